using Antiphon.Protocol.Packets;
using Antiphon.Protocol.Properties;
using Antiphon.Protocol.Tests.Wire;

namespace Antiphon.Protocol.Tests.Properties;

/// <summary>Each property in each packet: read where the standard's table has it, refused everywhere else (MQTT 5 §2.2.2.2).</summary>
public sealed class PropertyTableTests
{
    private const PacketSet Everywhere =
        PacketSet.WillProperties | PacketSet.Connect | PacketSet.ConnAck | PacketSet.Publish | PacketSet.Acknowledgements
        | PacketSet.Subscribe | PacketSet.SubAck | PacketSet.Unsubscribe | PacketSet.UnsubAck | PacketSet.Disconnect | PacketSet.Auth;

    private static readonly PacketSet[] Carriers =
    [
        PacketSet.WillProperties, PacketSet.Connect, PacketSet.ConnAck,
        PacketSet.Publish, PacketSet.PubAckAndPubRec, PacketSet.PubRelAndPubComp,
        PacketSet.Subscribe, PacketSet.SubAck, PacketSet.Unsubscribe, PacketSet.UnsubAck, PacketSet.Disconnect, PacketSet.Auth,
    ];

    private static readonly Dictionary<string, PacketSet> Table = new()
    {
        ["01 00"] = PacketSet.Publish | PacketSet.WillProperties,
        ["02 00000000"] = PacketSet.Publish | PacketSet.WillProperties,
        ["03 0000"] = PacketSet.Publish | PacketSet.WillProperties,
        ["08 0001'r'"] = PacketSet.Publish | PacketSet.WillProperties,
        ["09 0000"] = PacketSet.Publish | PacketSet.WillProperties,
        ["0B 01"] = PacketSet.Publish | PacketSet.Subscribe,
        ["11 00000000"] = PacketSet.Connect | PacketSet.ConnAck | PacketSet.Disconnect,
        ["12 0000"] = PacketSet.ConnAck,
        ["13 0000"] = PacketSet.ConnAck,
        ["15 0000"] = PacketSet.Connect | PacketSet.ConnAck | PacketSet.Auth,
        ["16 0000"] = PacketSet.Connect | PacketSet.ConnAck | PacketSet.Auth,
        ["17 00"] = PacketSet.Connect,
        ["18 00000000"] = PacketSet.WillProperties,
        ["19 00"] = PacketSet.Connect,
        ["1A 0000"] = PacketSet.ConnAck,
        ["1C 0000"] = PacketSet.ConnAck | PacketSet.Disconnect,
        ["1F 0000"] =
            PacketSet.ConnAck | PacketSet.Acknowledgements | PacketSet.SubAck | PacketSet.UnsubAck | PacketSet.Disconnect | PacketSet.Auth,
        ["21 0001"] = PacketSet.Connect | PacketSet.ConnAck,
        ["22 0000"] = PacketSet.Connect | PacketSet.ConnAck,
        ["23 0001"] = PacketSet.Publish,
        ["24 00"] = PacketSet.ConnAck,
        ["25 00"] = PacketSet.ConnAck,
        ["26 0000 0000"] = Everywhere,
        ["27 00000001"] = PacketSet.Connect | PacketSet.ConnAck,
        ["28 00"] = PacketSet.ConnAck,
        ["29 00"] = PacketSet.ConnAck,
        ["2A 00"] = PacketSet.ConnAck,
    };

    public static TheoryData<string> Rows => [.. Table.Keys];

    [Theory]
    [MemberData(nameof(Rows))]
    public void A_property_stands_only_where_the_table_has_it(string bytes)
    {
        foreach (var carrier in Carriers)
        {
            var expected = (Table[bytes] & carrier) != 0 ? ReasonCode.Success : ReasonCode.MalformedPacket;
            Assert.Equal((carrier, expected), (carrier, Read(bytes, carrier)));
        }
    }

    [Theory]
    [MemberData(nameof(Rows))]
    public void A_property_stands_once_unless_it_may_repeat(string bytes)
    {
        foreach (var carrier in Carriers.Where(carrier => (Table[bytes] & carrier) != 0))
        {
            var repeatable = bytes.StartsWith("26", StringComparison.Ordinal)
                || (bytes.StartsWith("0B", StringComparison.Ordinal) && carrier == PacketSet.Publish);
            Assert.Equal((carrier, repeatable ? ReasonCode.Success : ReasonCode.ProtocolError), (carrier, Read(bytes + bytes, carrier)));
        }
    }

    [Theory]
    [MemberData(nameof(Rows))]
    public void Half_a_property_is_malformed(string bytes)
    {
        var whole = Hex.Bytes(bytes);
        var carrier = Carriers.First(carrier => (Table[bytes] & carrier) != 0);
        for (var cut = 1; cut < whole.Length; cut++)
        {
            Assert.Equal((cut, ReasonCode.MalformedPacket), (cut, Read(Hex.Text(whole.AsSpan(0, cut)), carrier)));
        }
    }

    [Fact]
    public void Every_identifier_that_the_table_lacks_is_malformed()
    {
        var known = Table.Keys.Select(bytes => Hex.Bytes(bytes)[0]).ToHashSet();
        Assert.Equal(Enum.GetValues<PropertyIdentifier>().Select(identifier => (byte)identifier).Order(), known.Order());
        for (var identifier = 0; identifier < 128; identifier++)
        {
            if (!known.Contains((byte)identifier))
            {
                Assert.Equal((identifier, ReasonCode.MalformedPacket), (identifier, Read($"{identifier:X2} 0000 0000", Everywhere)));
            }
        }
    }

    private static ReasonCode Read(string bytes, PacketSet carrier)
    {
        var reader = new PropertyReader(Hex.Bytes(bytes), carrier);
        while (reader.TryRead(out _))
        {
        }

        return reader.Fault.Code;
    }
}
