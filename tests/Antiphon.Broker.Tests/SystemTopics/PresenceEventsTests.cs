using System.Net;
using System.Text.Json;
using Antiphon.Broker.Access;
using Antiphon.Broker.Authentication;
using Antiphon.Broker.SystemTopics;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;

namespace Antiphon.Broker.Tests.SystemTopics;

/// <summary>Who comes and who goes, below <c>$SYS/clients</c>.</summary>
public sealed class PresenceEventsTests
{
    private readonly HandTurnedBroker _broker = new(new BrokerOptions { PresenceEvents = true });

    [Fact]
    public void A_subscriber_is_told_who_came_from_where_and_why_he_went()
    {
        var broker = new HandTurnedBroker(
            new BrokerOptions { PresenceEvents = true, Authenticator = new AnyName(), AllowAnonymous = true });
        var watcher = broker.Subscriber("watcher", "$SYS/clients/#");
        broker.TurnSeconds(5.25);
        var link = broker.TryOpen(new IPEndPoint(IPAddress.Parse("192.0.2.1"), 4711))!;
        link.Send(new ConnectPacket { ClientId = "boiler", UserName = "ann" });
        broker.TurnSeconds(60);
        link.Send([0xF0, 0x00, 0x00]);

        var connected = watcher.Next<PublishPacket>();
        Assert.Equal("$SYS/clients/boiler/connected", connected.Message.Topic);
        Assert.Equal(("application/json", true), (connected.Message.ContentType, connected.Message.PayloadIsUtf8));
        Assert.False(connected.Message.Retain);
        Assert.Equal(QualityOfService.AtLeastOnce, connected.Message.QoS);
        using var came = JsonDocument.Parse(connected.Message.Payload);
        Assert.Equal(["time", "clientId", "address", "listener", "user"], came.RootElement.EnumerateObject().Select(value => value.Name));
        Assert.Equal(HandTurnedBroker.Epoch.AddSeconds(1005.25), came.RootElement.GetProperty("time").GetDateTimeOffset());
        Assert.Equal(
            ("boiler", "192.0.2.1:4711", "test", "ann"),
            (Text(came, "clientId"), Text(came, "address"), Text(came, "listener"), Text(came, "user")));

        var disconnected = watcher.Next<PublishPacket>();
        Assert.Equal("$SYS/clients/boiler/disconnected", disconnected.Message.Topic);
        using var went = JsonDocument.Parse(disconnected.Message.Payload);
        Assert.Equal(HandTurnedBroker.Epoch.AddSeconds(1065.25), went.RootElement.GetProperty("time").GetDateTimeOffset());
        Assert.Equal(0x82, went.RootElement.GetProperty("reasonCode").GetInt32());
        Assert.NotEmpty(Text(went, "reason")!);
        watcher.ExpectNothing();
    }

    [Fact]
    public void A_farewell_a_loss_and_a_takeover_are_told_once_each_and_a_refusal_is_not()
    {
        var watcher = _broker.Subscriber("watcher", "$SYS/clients/#", QualityOfService.AtMostOnce);
        var first = _broker.Connect("a");
        _broker.Connect("a");
        Assert.Equal(["a/connected", "a/disconnected 142", "a/connected"], Told(watcher));
        first.Lose();
        _broker.Connect("b").Send(new DisconnectPacket { ReasonCode = ReasonCode.Success });
        _broker.Connect("c").Lose();
        _broker.Open().Send(new ConnectPacket { ClientId = "d", AuthenticationMethod = "unknown" });

        Assert.Equal(["b/connected", "b/disconnected 0", "c/connected"], Told(watcher).SkipLast(1));
        watcher.ExpectNothing();
    }

    [Fact]
    public void A_Client_Identifier_stands_in_one_level_whatever_is_in_it()
    {
        var watcher = _broker.Subscriber("watcher", "$SYS/clients/+/connected");

        _broker.Connect("a/b+c#d%ä");

        var told = watcher.Next<PublishPacket>();
        Assert.Equal("$SYS/clients/a%2Fb%2Bc%23d%25ä/connected", told.Message.Topic);
        using var json = JsonDocument.Parse(told.Message.Payload);
        Assert.Equal("a/b+c#d%ä", Text(json, "clientId"));
    }

    [Fact]
    public void One_that_is_too_long_for_a_topic_is_counted()
    {
        var watcher = _broker.Subscriber("watcher", "$SYS/clients/+/connected");

        _broker.Connect(new string('x', 65_535));

        watcher.ExpectNothing();
        Assert.Equal(1, _broker.Counters.DroppedPresenceEvents);
    }

    [Fact]
    public void Where_everybody_may_read_it_nothing_is_told_unless_the_options_say_so()
    {
        var broker = new HandTurnedBroker();
        var watcher = broker.Subscriber("watcher", "$SYS/clients/#");

        broker.Connect("a").Lose();

        watcher.ExpectNothing();
        Assert.False(broker.Engine.HasPresence);
    }

    [Fact]
    public void Where_there_are_rules_they_say_who_is_told()
    {
        var broker = new HandTurnedBroker(
            new BrokerOptions
            {
                AccessRules = new AccessRules(
                [
                    new AccessRule { Allows = true, Permissions = Permissions.Subscribe, Topics = ["#"], To = ["*"] },
                    new AccessRule { Allows = true, Permissions = Permissions.Subscribe, Topics = ["$SYS/clients/#"], To = ["client:ops"] },
                ]),
            });
        var stranger = broker.Connect("stranger");
        Assert.Equal([ReasonCode.NotAuthorized], stranger.Subscribe("$SYS/clients/#").ReasonCodes);
        stranger.Subscribe("#");
        var ops = broker.Subscriber("ops", "$SYS/clients/#");

        broker.Connect("a");

        Assert.Equal("$SYS/clients/a/connected", ops.Next<PublishPacket>().Message.Topic);
        stranger.ExpectNothing();
    }

    [Fact]
    public void No_wildcard_at_the_beginning_reaches_it_and_nobody_else_may_say_it()
    {
        var watcher = _broker.Subscriber("watcher", "$SYS/clients/#", QualityOfService.AtMostOnce);
        var everything = _broker.Subscriber("everything", "#");
        Told(watcher);

        Assert.Equal(ReasonCode.NotAuthorized, everything.PublishAcknowledged("$SYS/clients/x/connected", "{}"));

        everything.ExpectNothing();
        watcher.ExpectNothing();
    }

    [Fact]
    public void A_member_of_a_share_group_is_told_in_place_of_the_others()
    {
        var watchers = new[] { "1", "2" }.Select(id => _broker.Subscriber(id, "$share/g/$SYS/clients/+/connected")).ToList();
        watchers.ForEach(watcher => watcher.All());

        for (var i = 0; i < 4; i++)
        {
            _broker.Connect($"client{i}");
        }

        Assert.Equal([2, 2], watchers.Select(watcher => watcher.All().Count));
    }

    [Fact]
    public void A_crowd_is_told_of_in_slices_and_what_is_more_than_may_wait_is_counted()
    {
        var watcher = _broker.Subscriber("watcher", "$SYS/clients/+/connected", QualityOfService.AtMostOnce);
        for (var i = 0; i < PresenceEvents.MaximumWaiting + 10; i++)
        {
            var link = new TestLink(_broker);
            link.Connection = _broker.Engine.Open(link, new ConnectionOrigin { Listener = "test" }, _broker.Now);
            _broker.Engine.Receive(link.Connection, TestLink.Bytes(new ConnectPacket { ClientId = $"{i}" }), _broker.Now);
        }

        Assert.Equal(10, _broker.Counters.DroppedPresenceEvents);
        _broker.Engine.TellPresence(HandTurnedBroker.Epoch, _broker.Now);
        _broker.Engine.Flush(_broker.Now);
        Assert.Equal(PresenceEvents.DeliveriesPerTurn / 2, watcher.All().Count);
        Assert.True(_broker.Engine.HasWork);

        _broker.Settle();
        Assert.Equal(PresenceEvents.MaximumWaiting - PresenceEvents.DeliveriesPerTurn / 2, watcher.All().Count);
    }

    private static string? Text(JsonDocument json, string name) => json.RootElement.GetProperty(name).GetString();

    private static List<string> Told(TestLink watcher) =>
    [
        .. watcher.All().Cast<PublishPacket>().Select(told =>
        {
            using var json = JsonDocument.Parse(told.Message.Payload);
            var code = json.RootElement.TryGetProperty("reasonCode", out var value) ? $" {value.GetInt32()}" : "";
            return told.Message.Topic["$SYS/clients/".Length..] + code;
        }),
    ];

    private sealed class AnyName : IAuthenticator
    {
        public ValueTask<AuthenticationResult> AuthenticateAsync(ConnectingClient client, CancellationToken cancellationToken) =>
            new(AuthenticationResult.Accept(client.UserName ?? "nobody"));
    }
}
