using Antiphon.Protocol;
using Antiphon.Protocol.Packets;

namespace Antiphon.Broker.Tests.Subscriptions;

/// <summary>UNSUBSCRIBE of what is no Topic Filter is treated as SUBSCRIBE of it (MQTT 5 §4.7).</summary>
public sealed class UnsubscribeTests
{
    private readonly HandTurnedBroker _broker = new();

    public static TheoryData<string> NoFilters => ["", "a#", "#/a", "a+/b", "$share/g", "$share//a", "$share/+/a"];

    [Theory]
    [MemberData(nameof(NoFilters))]
    public void What_is_no_Topic_Filter_ends_the_connection_with_0x8F_and_gives_up_nothing(string filter)
    {
        var client = _broker.Subscriber("client", "good", with: connect => connect with { SessionExpiryInterval = 60 });

        client.Send(Unsubscribe("good", filter));

        var goodbye = client.ExpectDisconnect(ReasonCode.TopicFilterInvalid);
        Assert.Contains($"The Topic Filter «{filter}» is not valid", goodbye.ReasonString, StringComparison.Ordinal);
        Assert.Equal(1, _broker.Counters.Subscriptions);

        var subscriber = _broker.Connect("subscriber");
        subscriber.Send(new SubscribePacket { PacketIdentifier = new(1), Subscriptions = [new(filter, default)] });
        Assert.Equal(goodbye, subscriber.ExpectDisconnect(ReasonCode.TopicFilterInvalid) with { UserProperties = goodbye.UserProperties });
    }

    [Theory]
    [MemberData(nameof(NoFilters))]
    public void In_MQTT_3_1_1_it_ends_the_connection_without_a_word(string filter)
    {
        var client = _broker.ConnectV311("client", cleanSession: false);
        client.Subscribe("good");

        client.Send(Unsubscribe("good", filter));

        client.ExpectClosed();
        Assert.Equal(1, _broker.Counters.Subscriptions);
    }

    private static UnsubscribePacket Unsubscribe(params string[] filters) =>
        new() { PacketIdentifier = new(9), TopicFilters = filters };
}
