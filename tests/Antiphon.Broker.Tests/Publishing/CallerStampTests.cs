using System.Collections.Immutable;
using Antiphon.Broker.Access;
using Antiphon.Broker.Authentication;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;
using Antiphon.Protocol.Properties;

namespace Antiphon.Broker.Tests.Publishing;

/// <summary>Who asks is written by the broker, and by nobody else.</summary>
public sealed class CallerStampTests
{
    private const string Caller = "antiphon-caller";

    private readonly HandTurnedBroker _broker = Broker(stamps: true);

    [Theory]
    [InlineData("ann", "client=a%3B1;user=ann")]
    [InlineData(null, "client=a%3B1")]
    public void A_request_says_who_asks_behind_all_else_that_it_says(string? user, string expected)
    {
        var responder = _broker.Subscriber("responder", "relay");
        var requester = _broker.Connect("a;1", connect => connect with { UserName = user });

        requester.Publish(Request(new UserProperty("__srcId", "a;1"), new UserProperty("x", "y")) with { MessageExpiryInterval = 5 });

        var message = responder.Next<PublishPacket>().Message;
        Assert.Equal([new("__srcId", "a;1"), new("x", "y"), new(Caller, expected)], message.UserProperties);
        Assert.Equal(("answers", 5u), (message.ResponseTopic, message.MessageExpiryInterval));
        Assert.Equal([1, 2], message.CorrelationData!.Value.ToArray());
    }

    [Fact]
    public void A_stamped_request_is_these_bytes()
    {
        var responder = _broker.Subscriber("responder", "r", QualityOfService.AtMostOnce);
        var before = responder.Received.Length;

        _broker.Connect("panel-1", connect => connect with { UserName = "ann" })
            .Publish(TestLink.Message("r") with { ResponseTopic = "a" });

        byte[] expected =
        [
            0x30, 0x33, 0, 1, (byte)'r', 0x2F, 0x08, 0, 1, (byte)'a',
            0x26, 0, 0x0F, .. "antiphon-caller"u8, 0, 0x17, .. "client=panel-1;user=ann"u8,
        ];
        Assert.Equal(expected, responder.Received[before..].ToArray());
    }

    [Fact]
    public void What_waits_what_is_retained_and_a_Will_say_it_too()
    {
        var away = _broker.Subscriber("responder", "relay", with: connect => connect with { SessionExpiryInterval = 60 });
        away.Lose();
        var requester = _broker.Connect("a", connect => connect with { Will = new Will(Request() with { Topic = "relay" }) });
        Assert.Equal(ReasonCode.Success, requester.PublishAcknowledged(Request() with { Retain = true }));
        requester.Lose();

        var back = _broker.Connect("responder", connect => connect with { CleanStart = false, SessionExpiryInterval = 60 });
        var late = _broker.Subscriber("late", "relay");

        Assert.All(
            [back.Next<PublishPacket>(), late.Next<PublishPacket>()],
            request => Assert.Equal([new(Caller, "client=a")], request.Message.UserProperties));
        _broker.Connect("b", connect => connect with { Will = new Will(Request() with { QoS = QualityOfService.AtLeastOnce }) }).Lose();
        Assert.Equal([new(Caller, "client=b")], back.Next<PublishPacket>().Message.UserProperties);
    }

    [Fact]
    public void What_is_no_request_is_not_stamped_and_neither_is_anything_where_it_is_not_asked_for()
    {
        var listener = _broker.Subscriber("listener", "relay");
        _broker.Connect("a").Publish("relay", "x");
        Assert.Empty(listener.Next<PublishPacket>().Message.UserProperties);

        var plain = Broker(stamps: false);
        var responder = plain.Subscriber("responder", "relay");
        plain.Connect("a").Publish(Request(new UserProperty("__srcId", "another")));
        Assert.Equal([new("__srcId", "another")], responder.Next<PublishPacket>().Message.UserProperties);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_receiver_that_has_no_room_for_the_stamp_does_not_get_the_request(bool hasRoom)
    {
        var without = TestLink.Bytes(new PublishPacket(Request())).Length;
        var stamp = 1 + 2 + Caller.Length + 2 + "client=a".Length;
        var size = (uint)(without + stamp - (hasRoom ? 0 : 1));
        var responder = _broker.Connect("responder", connect => connect with { MaximumPacketSize = size });
        responder.Subscribe("relay", QualityOfService.AtMostOnce);

        _broker.Connect("a").Publish(Request());

        Assert.Equal(hasRoom ? 1 : 0, responder.All().Count);
        Assert.Equal(hasRoom ? 0 : 1, _broker.Counters.TooLargeForReceiver);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_request_in_the_name_of_another_client_is_refused(bool asWill)
    {
        var responder = _broker.Subscriber("responder", "relay");
        var forged = Request(new UserProperty("__srcId", "a"), new UserProperty("__srcId", "b"));
        if (asWill)
        {
            var client = _broker.Open();
            client.Send(new ConnectPacket { ClientId = "a", Will = new Will(forged) });
            Assert.Equal(ReasonCode.NotAuthorized, client.Next<ConnAckPacket>().ReasonCode);
        }
        else
        {
            ExpectRefusal(_broker.Connect("a"), forged, "__srcId");
        }

        responder.ExpectNothing();
        Assert.Equal(1, _broker.Counters.DeniedMessages);
    }

    [Theory]
    [InlineData("antiphon-caller", true, true)]
    [InlineData("antiphon-caller", false, true)]
    [InlineData("antiphon-reason", false, true)]
    [InlineData("antiphon-recipients", false, true)]
    [InlineData("antiphon-age-ms", false, true)]
    [InlineData("antiphon-caller2", true, false)]
    [InlineData("antiphon-timeout-ms", false, false)]
    [InlineData("ANTIPHON-CALLER", false, false)]
    public void What_only_the_broker_says_no_client_may_say(string name, bool stamps, bool isRefused)
    {
        var broker = Broker(stamps);
        var listener = broker.Subscriber("listener", "relay");
        var client = broker.Connect("a");
        var message = TestLink.Message("relay", "x") with { UserProperties = [new("x", "y"), new(name, "client=bob")] };

        if (isRefused)
        {
            ExpectRefusal(client, message, name);
            ExpectRefusal(client, message with { ResponseTopic = "answers" }, name);
            Assert.Equal(ReasonCode.NotAuthorized, Acknowledged(client, message, QualityOfService.ExactlyOnce).ReasonCode);
        }

        client.Publish(message);
        var will = broker.Open();
        will.Send(new ConnectPacket { ClientId = "b", Will = new Will(message) });
        Assert.Equal(isRefused ? ReasonCode.NotAuthorized : ReasonCode.Success, will.Next<ConnAckPacket>().ReasonCode);
        Assert.Equal(isRefused ? 0 : 1, listener.All().Count);
        Assert.Equal(isRefused ? 5 : 0, broker.Counters.DeniedMessages);
    }

    [Theory]
    [InlineData("found")]
    [InlineData("configured")]
    public void A_bridge_speaks_for_others_and_what_another_broker_has_stamped_stays(string group)
    {
        var broker = new HandTurnedBroker(new BrokerOptions
        {
            StampCaller = true,
            Authenticator = new Grouping(),
            BridgeGroups = ["none", group],
            AccessRules = new AccessRules([], new Dictionary<string, IReadOnlyList<string>> { ["configured"] = ["bridge"] }),
        });
        var responder = broker.Subscriber("responder", "relay", with: connect => connect with { UserName = "bob" });
        var bridge = broker.Connect("far", connect => connect with { UserName = "bridge" });

        bridge.Publish(Request(new UserProperty("__srcId", "remote")));
        bridge.Publish(Request(new UserProperty(Caller, "client=remote;user=eve"), new UserProperty("antiphon-age-ms", "3")));

        var first = responder.Next<PublishPacket>().Message;
        Assert.Equal([new("__srcId", "remote"), new(Caller, "client=far;user=bridge")], first.UserProperties);
        var second = responder.Next<PublishPacket>().Message;
        Assert.Equal([new(Caller, "client=remote;user=eve"), new("antiphon-age-ms", "3")], second.UserProperties);

        broker.Engine.ReplaceAccessRules(null);
        bridge.Publish(Request(new UserProperty("__srcId", "remote")));
        Assert.Equal(group == "found" ? 1 : 0, responder.All().Count);
    }

    [Fact]
    public void Who_is_no_bridge_any_more_speaks_for_nobody_else_and_neither_does_its_Will()
    {
        var broker = new HandTurnedBroker(
            new BrokerOptions { StampCaller = true, Authenticator = new Grouping(), AllowAnonymous = true, BridgeGroups = ["found"] });
        var responder = broker.Subscriber("responder", "relay");
        var forged = Request(new UserProperty(Caller, "client=remote"));
        var named = Request(new UserProperty("__srcId", "remote"));
        var (first, second) = (Bridge("first", forged), Bridge("second", named));
        first.Publish(named);
        Assert.Single(responder.All());

        broker.Engine.ReplaceOptions(broker.Engine.Options with { BridgeGroups = [] });

        ExpectRefusal(first, named, "__srcId");
        ExpectRefusal(first, forged, Caller);
        first.Lose();
        second.Lose();
        responder.ExpectNothing();
        Assert.Equal(4, broker.Counters.DeniedMessages);

        TestLink Bridge(string clientId, ApplicationMessage will) =>
            broker.Connect(clientId, connect => connect with { UserName = "bridge", Will = new Will(will) });
    }

    [Fact]
    public void Whose_names_are_too_long_to_be_told_cannot_ask()
    {
        var client = _broker.Connect(new string('c', 40_000), connect => connect with { UserName = new string('u', 40_000) });

        ExpectRefusal(client, Request(), "too long");
        Assert.Equal(ReasonCode.NoMatchingSubscribers, client.PublishAcknowledged("relay"));
    }

    [Fact]
    public void CONNACK_says_that_it_is_such_a_broker_where_there_is_room_for_it()
    {
        Assert.Equal([new("antiphon", "1")], _broker.Connect("a").ConnAck.UserProperties);
        Assert.Equal([new("antiphon", "1")], Broker(stamps: false).Connect("a").ConnAck.UserProperties);
        Assert.Empty(_broker.Connect("b", connect => connect with { MaximumPacketSize = 20 }).ConnAck.UserProperties);
        Assert.Empty(_broker.ConnectV311("c").ConnAck.UserProperties);
    }

    private static HandTurnedBroker Broker(bool stamps) =>
        new(new BrokerOptions { StampCaller = stamps, Authenticator = new Grouping(), AllowAnonymous = true });

    private static ApplicationMessage Request(params UserProperty[] properties) => TestLink.Message("relay", "on") with
    {
        ResponseTopic = "answers",
        CorrelationData = new byte[] { 1, 2 },
        UserProperties = properties,
    };

    private static void ExpectRefusal(TestLink client, ApplicationMessage message, string because)
    {
        var answer = Acknowledged(client, message, QualityOfService.AtLeastOnce);
        Assert.Equal(ReasonCode.NotAuthorized, answer.ReasonCode);
        Assert.Contains(because, answer.ReasonString, StringComparison.Ordinal);
    }

    private static AcknowledgementPacket Acknowledged(TestLink client, ApplicationMessage message, QualityOfService qos)
    {
        client.Send(new PublishPacket(message with { QoS = qos }) { PacketIdentifier = new(99) });
        return client.NextAnswer<AcknowledgementPacket>();
    }

    private sealed class Grouping : IAuthenticator
    {
        public ValueTask<AuthenticationResult> AuthenticateAsync(ConnectingClient client, CancellationToken cancellationToken) =>
            ValueTask.FromResult(client.UserName is { } name
                ? AuthenticationResult.Accept(
                    new ClientUser(name) { Groups = name == "bridge" ? ImmutableHashSet.Create("found") : [] })
                : AuthenticationResult.Accept());
    }
}
