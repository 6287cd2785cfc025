using Antiphon.Protocol;
using Antiphon.Protocol.Packets;

namespace Antiphon.Broker.Tests.Sessions;

/// <summary>
/// What Sessions hold beside messages is bounded, by <see cref="BrokerOptions.MaximumSessionBytes"/> for all and by a sixteenth of it for
/// each.
/// </summary>
public sealed class SessionMemoryTests
{
    private static readonly BrokerOptions Small = new() { MaximumSessionBytes = 1024 * 1024 };

    [Fact]
    public void Wills_beyond_it_are_refused_with_0x97_until_others_are_gone()
    {
        var broker = new HandTurnedBroker(Small);
        var clients = new List<TestLink>();
        while (TryConnect(broker, $"{clients.Count}", 40_000) is { } client)
        {
            clients.Add(client);
        }

        Assert.InRange(clients.Count, 20, 26);
        Assert.Null(TryConnect(broker, "another", 40_000));
        clients[0].Lose();
        Assert.NotNull(TryConnect(broker, "another", 40_000));
    }

    [Fact]
    public void One_Session_takes_a_sixteenth_of_it_at_most()
    {
        var broker = new HandTurnedBroker(Small);

        Assert.Null(TryConnect(broker, "large", 65_500));
        Assert.NotNull(TryConnect(broker, "small", 60_000));
        Assert.Null(TryConnect(broker, new string('c', 40_000), 0));
    }

    [Fact]
    public void A_Will_takes_the_place_of_the_one_before_it()
    {
        var broker = new HandTurnedBroker(Small);
        for (var i = 0; i < 100; i++)
        {
            Assert.NotNull(TryConnect(broker, "again", 60_000, expiry: 60));
        }
    }

    [Fact]
    public void Subscriptions_beyond_it_are_refused_with_0x97_and_room_comes_back_with_UNSUBSCRIBE_and_with_the_end_of_the_Session()
    {
        var broker = new HandTurnedBroker(Small);
        var client = broker.Connect("client");
        var taken = 0;
        while (client.Subscribe($"{taken}/{new string('/', 100)}").ReasonCodes[0] == ReasonCode.GrantedQoS1)
        {
            taken++;
        }

        // A filter of a hundred levels takes some 35 KB, of which one fits into 64 KiB.
        Assert.Equal(1, taken);
        Assert.Equal(ReasonCode.QuotaExceeded, client.Subscribe(new string('/', 100)).ReasonCodes[0]);
        Assert.Equal(ReasonCode.GrantedQoS1, client.Subscribe("a/b").ReasonCodes[0]);
        client.Unsubscribe($"0/{new string('/', 100)}");
        Assert.Equal(ReasonCode.GrantedQoS1, client.Subscribe(new string('/', 100)).ReasonCodes[0]);
        for (var i = 0; i < 100; i++)
        {
            var another = broker.Connect($"{i}");
            Assert.Equal(ReasonCode.GrantedQoS1, another.Subscribe(new string('/', 100)).ReasonCodes[0]);
            another.Lose();
        }
    }

    [Fact]
    public void Topic_Aliases_beyond_it_end_the_connection_with_0x97_and_take_nothing_afterwards()
    {
        var broker = new HandTurnedBroker(Small with { MaximumSessionBytes = 1024 * 1024 });
        for (var round = 0; round < 30; round++)
        {
            var client = broker.Connect("client", connect => connect with { SessionExpiryInterval = 100 });
            for (ushort alias = 1; alias <= 7; alias++)
            {
                Teach(client, alias);
            }

            client.ExpectNothing();
            Teach(client, 8);
            Assert.Equal(ReasonCode.QuotaExceeded, client.Next<DisconnectPacket>().ReasonCode);
            client.ExpectClosed();
            client.Lose();
        }

        // A topic of 8 KB, of which seven fit into 64 KiB.
        static void Teach(TestLink client, ushort alias) => client.Send(
            new PublishPacket(TestLink.Message($"{alias}" + new string('t', 8 * 1024))) { TopicAlias = alias });
    }

    private static TestLink? TryConnect(HandTurnedBroker broker, string clientId, int willPayload, uint? expiry = null)
    {
        var client = broker.Open();
        var will = willPayload == 0 ? null : new Will(TestLink.Message("will", new string('w', willPayload)));
        client.Send(new ConnectPacket { ClientId = clientId, Will = will, SessionExpiryInterval = expiry });
        var answer = client.Next<ConnAckPacket>();
        if (answer.ReasonCode == ReasonCode.Success)
        {
            return client;
        }

        Assert.Equal(ReasonCode.QuotaExceeded, answer.ReasonCode);
        client.ExpectClosed();
        return null;
    }
}
