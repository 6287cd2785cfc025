using Antiphon.Conformance.Hostile.Tables;

namespace Antiphon.Conformance.Hostile;

/// <summary>
/// Each bad packet ends its own connection with a Reason Code that its peer sees, without a reset.
/// Nothing behind it is processed, and a pair beside goes on [MQTT-4.13.1-1, MQTT-4.13.2-1].
/// </summary>
public sealed class BadPacketTests(HostileGround ground) : IClassFixture<HostileGround>
{
    private static readonly BadPacketTable Headers = new("fixed headers", HeaderTable.Rows());
    private static readonly BadPacketTable Connects = new("CONNECT", ConnectTable.Rows());
    private static readonly BadPacketTable Publishes = new("PUBLISH", PublishTable.Rows());
    private static readonly BadPacketTable Acknowledgements = new("acknowledgements", AcknowledgementTable.Rows());
    private static readonly BadPacketTable Subscribes = new("SUBSCRIBE and UNSUBSCRIBE", SubscribeTable.Rows());
    private static readonly BadPacketTable Farewells = new("PINGREQ, DISCONNECT and AUTH", FarewellTable.Rows());
    private static readonly BadPacketTable Properties = new("properties", Carrier.All.SelectMany(carrier => carrier.Rows()));

    public static IEnumerable<TheoryDataRow<string>> HeaderRows => Headers.Rows;

    public static IEnumerable<TheoryDataRow<string>> ConnectRows => Connects.Rows;

    public static IEnumerable<TheoryDataRow<string>> PublishRows => Publishes.Rows;

    public static IEnumerable<TheoryDataRow<string>> AcknowledgementRows => Acknowledgements.Rows;

    public static IEnumerable<TheoryDataRow<string>> SubscribeRows => Subscribes.Rows;

    public static IEnumerable<TheoryDataRow<string>> FarewellRows => Farewells.Rows;

    public static IEnumerable<TheoryDataRow<string>> PropertyRows => Properties.Rows;

    [Theory]
    [MemberData(nameof(HeaderRows))]
    public Task A_bad_fixed_header_ends_its_connection(string row) => Headers.RunAsync(row, ground);

    [Theory]
    [MemberData(nameof(ConnectRows))]
    public Task A_bad_CONNECT_ends_its_connection(string row) => Connects.RunAsync(row, ground);

    [Theory]
    [MemberData(nameof(PublishRows))]
    public Task A_bad_PUBLISH_ends_its_connection(string row) => Publishes.RunAsync(row, ground);

    [Theory]
    [MemberData(nameof(AcknowledgementRows))]
    public Task A_bad_acknowledgement_ends_its_connection(string row) => Acknowledgements.RunAsync(row, ground);

    [Theory]
    [MemberData(nameof(SubscribeRows))]
    public Task A_bad_SUBSCRIBE_or_UNSUBSCRIBE_ends_its_connection(string row) => Subscribes.RunAsync(row, ground);

    [Theory]
    [MemberData(nameof(FarewellRows))]
    public Task A_bad_PINGREQ_DISCONNECT_or_AUTH_ends_its_connection(string row) => Farewells.RunAsync(row, ground);

    [Theory]
    [MemberData(nameof(PropertyRows))]
    public Task A_bad_property_ends_its_connection(string row) => Properties.RunAsync(row, ground);
}
