using System.Collections.Immutable;
using Antiphon.Broker.Access;
using Antiphon.Broker.Authentication;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;

namespace Antiphon.Broker.Tests.Access;

/// <summary>The rules at work in the engine.</summary>
public sealed class AccessControlTests
{
    private readonly HandTurnedBroker _broker = new(
        new BrokerOptions
        {
            AccessRules = new AccessRules(
            [
                Rule(Permissions.Publish, "state/${clientid}"),
                Rule(Permissions.Subscribe, "state/#"),
                Rule(Permissions.Request, "relay/+"),
                Rule(Permissions.Respond, "relay/${clientid}"),
            ]),
        });

    [Fact]
    public void A_message_that_is_not_allowed_reaches_nobody_and_is_refused_with_a_reason()
    {
        var listener = _broker.Subscriber("listener", "state/#");
        var client = _broker.Connect("a");

        Assert.Equal(ReasonCode.Success, client.PublishAcknowledged("state/a", "mine"));
        Assert.Equal(ReasonCode.NotAuthorized, client.PublishAcknowledged("state/b", "another's"));
        Assert.Equal(ReasonCode.NotAuthorized, client.PublishExactlyOnce("state/b", "another's"));
        client.Publish("state/b", "another's");

        listener.NextMessage("mine");
        listener.ExpectNothing();
        client.ExpectNothing();
        Assert.Equal(3, _broker.Counters.DeniedMessages);
    }

    [Fact]
    public void A_client_of_MQTT_3_1_1_gets_its_acknowledgement_and_nobody_the_message()
    {
        var listener = _broker.Subscriber("listener", "state/#");
        var client = _broker.ConnectV311("a");

        Assert.Equal(ReasonCode.Success, client.PublishAcknowledged("state/b", "another's"));

        listener.ExpectNothing();
        Assert.Equal(1, _broker.Counters.DeniedMessages);
        Assert.Equal([ReasonCode.UnspecifiedError], client.Subscribe("other").ReasonCodes);
    }

    [Fact]
    public void A_subscription_that_is_not_allowed_is_refused_with_a_reason()
    {
        var client = _broker.Connect("a");

        Assert.Equal(ReasonCode.GrantedQoS1, client.Subscribe("state/#").ReasonCodes[0]);
        var answer = client.Subscribe("#");

        Assert.Equal(ReasonCode.NotAuthorized, answer.ReasonCodes[0]);
        Assert.Equal("The access rules do not allow this client all that the Topic Filter matches.", answer.ReasonString);
        Assert.Equal(1, _broker.Counters.DeniedSubscriptions);
    }

    [Fact]
    public void A_request_needs_the_permission_request_and_what_is_no_request_needs_publish()
    {
        var requester = _broker.Connect("a", connect => connect with { RequestResponseInformation = true });
        var topic = requester.ConnAck.ResponseInformation + "/1";
        requester.Subscribe(topic);
        var relay = _broker.Subscriber("one", "relay/one");

        Assert.Equal(ReasonCode.NotAuthorized, requester.PublishAcknowledged("relay/one", "no request"));
        Assert.Equal(ReasonCode.NotAuthorized, requester.PublishAcknowledged(Request("state/a", topic)));
        Assert.Equal(ReasonCode.Success, requester.PublishAcknowledged(Request("relay/one", topic)));

        // No rule names the response topic: that the request came is permission enough.
        var request = relay.Next<PublishPacket>();
        Assert.Equal(ReasonCode.Success, relay.PublishAcknowledged(request.Message.ResponseTopic!, "on"));
        requester.NextMessage("on");
    }

    [Fact]
    public void What_a_client_of_MQTT_3_1_1_may_not_publish_with_QoS_2_is_acknowledged_to_the_end_and_dropped()
    {
        var listener = _broker.Subscriber("listener", "state/#");
        var client = _broker.ConnectV311("a");

        Assert.Equal(ReasonCode.Success, client.PublishExactlyOnce("state/b", "another's"));
        client.Publish("state/b", "another's");

        listener.ExpectNothing();
        Assert.Equal(2, _broker.Counters.DeniedMessages);
    }

    [Theory]
    [InlineData("state/b", null, "to publish to that topic")]
    [InlineData("state/b", "answers", "to send requests")]
    public void A_refusal_says_what_is_not_allowed(string topic, string? responseTopic, string reason)
    {
        var client = _broker.Connect("a");

        var message = TestLink.Message(topic, "", QualityOfService.AtLeastOnce) with { ResponseTopic = responseTopic };
        client.Send(new PublishPacket(message) { PacketIdentifier = new(1) });

        Assert.Contains(reason, client.Next<AcknowledgementPacket>().ReasonString, StringComparison.Ordinal);
    }

    [Fact]
    public void Denying_to_subscribe_to_some_topics_stops_filters_that_reach_them_over_the_engine_too()
    {
        var broker = new HandTurnedBroker(new BrokerOptions
        {
            AccessRules = new AccessRules(
                [Rule(Permissions.Subscribe, "secret/#") with { Allows = false }, Rule(Permissions.Subscribe, "#")]),
        });
        var client = broker.Connect("a");

        foreach (var (filter, code) in new[]
        {
            ("#", ReasonCode.NotAuthorized), ("+/x", ReasonCode.NotAuthorized), ("$share/g/secret/x", ReasonCode.NotAuthorized),
            ("open/#", ReasonCode.GrantedQoS1),
        })
        {
            Assert.Equal(code, client.Subscribe(filter).ReasonCodes[0]);
        }
    }

    [Fact]
    public void Who_may_subscribe_and_not_respond_gets_requests_and_cannot_answer_them()
    {
        var broker = new HandTurnedBroker(new BrokerOptions
        {
            AccessRules = new AccessRules(
            [
                Rule(Permissions.Request, "relay"),
                Rule(Permissions.Respond, "relay") with { To = ["client:responder", "client:late"] },
                Rule(Permissions.Subscribe, "#"),
            ]),
        });
        var requester = broker.Connect("a", connect => connect with { RequestResponseInformation = true });
        var topic = requester.ConnAck.ResponseInformation + "/1";
        requester.Subscribe(topic);
        var logger = broker.Subscriber("logger", "relay");

        Assert.Equal(ReasonCode.Success, requester.PublishAcknowledged(Request("relay", topic)));
        Assert.Equal(0, broker.Counters.OpenExchanges);
        logger.NextMessage("on?");
        Assert.Equal(ReasonCode.NotAuthorized, logger.PublishAcknowledged(topic, "forged"));

        var responder = broker.Subscriber("responder", "relay");
        Assert.Equal(ReasonCode.Success, requester.PublishAcknowledged(Request("relay", topic)));
        Assert.Equal(ReasonCode.NotAuthorized, logger.PublishAcknowledged(topic, "forged"));
        Assert.Equal(ReasonCode.Success, responder.PublishAcknowledged(topic, "on"));
        requester.NextMessage("on");
        requester.ExpectNothing();
    }

    [Fact]
    public void Other_rules_say_anew_who_may_answer_later_requests_and_leave_permissions_that_were_given()
    {
        AccessRule[] all = [Rule(Permissions.Request | Permissions.Subscribe, "#"), Rule(Permissions.Respond, "relay")];
        var broker = new HandTurnedBroker(new BrokerOptions { AccessRules = new AccessRules(all) });
        var requester = broker.Connect("a", connect => connect with { RequestResponseInformation = true });
        var topic = requester.ConnAck.ResponseInformation + "/1";
        requester.Subscribe(topic);
        var responder = broker.Subscriber("responder", "relay");
        requester.PublishAcknowledged(Request("relay", topic));

        broker.Engine.ReplaceAccessRules(new AccessRules(all[..1]));
        broker.Settle();

        Assert.Equal(ReasonCode.Success, responder.PublishAcknowledged(topic, "asked before"));
        requester.PublishAcknowledged(Request("relay", topic));
        Assert.Equal(ReasonCode.NotAuthorized, responder.PublishAcknowledged(topic, "asked since"));

        broker.Engine.ReplaceAccessRules(new AccessRules(all));
        broker.Settle();
        requester.PublishAcknowledged(Request("relay", topic));
        Assert.Equal(ReasonCode.Success, responder.PublishAcknowledged(topic, "asked again"));
        Assert.Equal(["asked before", "asked again"], requester.All().OfType<PublishPacket>().Select(TestLink.Text));
    }

    [Fact]
    public void A_request_that_a_member_of_a_group_leaves_gives_no_permission_to_one_that_may_not_respond()
    {
        var broker = new HandTurnedBroker(new BrokerOptions
        {
            AccessRules = new AccessRules(
            [
                Rule(Permissions.Request | Permissions.Subscribe, "#"),
                Rule(Permissions.Respond, "relay") with { To = ["client:responder"] },
            ]),
        });
        var requester = broker.Connect("a", connect => connect with { RequestResponseInformation = true });
        var topic = requester.ConnAck.ResponseInformation + "/1";
        requester.Subscribe(topic);
        var responder = broker.Subscriber(
            "responder", "$share/g/relay", with: connect => connect with { SessionExpiryInterval = 60, ReceiveMaximum = 1 });
        requester.PublishAcknowledged(Request("relay", topic));
        requester.PublishAcknowledged(Request("relay", topic) with { CorrelationData = new byte[] { 2 } });
        var other = broker.Subscriber("other", "$share/g/relay");

        responder.Lose();

        other.NextMessage("on?");
        Assert.Equal(
            ReasonCode.NotAuthorized, other.PublishAcknowledged(TestLink.Message(topic, "!") with { CorrelationData = new byte[] { 2 } }));
        Assert.Equal(1, broker.Counters.OpenExchanges);
    }

    [Fact]
    public void Who_comes_back_in_fewer_groups_loses_the_subscriptions_of_the_others()
    {
        var groups = new Believing { Groups = ["operators"] };
        var broker = new HandTurnedBroker(new BrokerOptions
        {
            Authenticator = groups,
            AccessRules = new AccessRules(
                [Rule(Permissions.Subscribe, "plain"), Rule(Permissions.Subscribe, "operators/#") with { To = ["group:operators"] }]),
        });
        var client = broker.Connect("a", connect => connect with { UserName = "ann", SessionExpiryInterval = 60 });
        client.Subscribe("operators/alarm");
        client.Subscribe("plain");
        client.Lose();

        groups.Groups = [];
        client = broker.Connect("a", connect => connect with { UserName = "ann", CleanStart = false, SessionExpiryInterval = 60 });

        Assert.True(client.ConnAck.SessionPresent);
        Assert.Equal(ReasonCode.NoSubscriptionExisted, client.Unsubscribe("operators/alarm").ReasonCodes[0]);
        Assert.Equal(ReasonCode.Success, client.Unsubscribe("plain").ReasonCodes[0]);
        Assert.Equal(1, broker.Counters.DeniedSubscriptions);
    }

    [Fact]
    public void Who_authenticates_again_into_fewer_groups_loses_the_subscriptions_of_the_others()
    {
        var method = new Grouping();
        var broker = new HandTurnedBroker(new BrokerOptions
        {
            AuthenticationMethods = [method],
            AccessRules = new AccessRules(
                [Rule(Permissions.Subscribe | Permissions.Publish, "operators/#") with { To = ["group:operators"] }]),
        });
        var client = broker.Connect("a", connect => connect with { AuthenticationMethod = method.Name });
        client.Subscribe("operators/alarm");
        Assert.Equal(ReasonCode.Success, client.PublishAcknowledged("operators/alarm"));
        client.NextMessage("");

        method.Groups = [];
        client.Send(new AuthPacket { ReasonCode = ReasonCode.ReAuthenticate, AuthenticationMethod = method.Name });

        Assert.Equal(ReasonCode.Success, client.NextAnswer<AuthPacket>().ReasonCode);
        Assert.Equal(ReasonCode.NotAuthorized, client.PublishAcknowledged("operators/alarm"));
        Assert.Equal(ReasonCode.NoSubscriptionExisted, client.Unsubscribe("operators/alarm").ReasonCodes[0]);
    }

    [Fact]
    public void A_Will_that_is_not_allowed_refuses_the_CONNECT()
    {
        var client = _broker.Open();
        client.Send(new ConnectPacket { ClientId = "a", Will = new Will(TestLink.Message("state/b", "gone")) });

        var answer = client.Next<ConnAckPacket>();
        Assert.Equal(ReasonCode.NotAuthorized, answer.ReasonCode);
        Assert.Contains("state/b", answer.ReasonString, StringComparison.Ordinal);
        _broker.Connect("a", connect => connect with { Will = new Will(TestLink.Message("state/a", "gone")) });
    }

    [Fact]
    public void Other_rules_hold_at_once_and_take_away_what_they_do_not_allow()
    {
        var listener = _broker.Subscriber("listener", "state/#");
        listener.Subscribe("state/b");
        var client = _broker.Connect("a", connect => connect with { Will = new Will(TestLink.Message("state/a", "gone")) });
        Assert.Equal(ReasonCode.Success, client.PublishAcknowledged("state/a", "before"));

        _broker.Engine.ReplaceAccessRules(new AccessRules([Rule(Permissions.Publish, "state/b"), Rule(Permissions.Subscribe, "state/b")]));
        _broker.Settle();

        Assert.Equal(ReasonCode.NotAuthorized, client.PublishAcknowledged("state/a", "after"));
        Assert.Equal(ReasonCode.Success, client.PublishAcknowledged("state/b", "allowed now"));
        client.Lose();
        listener.NextMessage("before");
        listener.NextMessage("allowed now");
        listener.ExpectNothing();
        Assert.Equal(ReasonCode.NoSubscriptionExisted, listener.Unsubscribe("state/#").ReasonCodes[0]);
        Assert.Equal(ReasonCode.Success, listener.Unsubscribe("state/b").ReasonCodes[0]);
        Assert.Equal((2, 1), (_broker.Counters.DeniedMessages, _broker.Counters.DeniedSubscriptions));
    }

    [Fact]
    public void Many_subscriptions_are_reviewed_in_slices()
    {
        const int Count = 3 * AccessReview.StepsPerTurn;
        var client = _broker.Connect("a");
        for (var i = 0; i < Count; i++)
        {
            client.Subscribe($"state/{i}");
        }

        _broker.Engine.ReplaceAccessRules(new AccessRules([Rule(Permissions.Publish, "x")]));
        _broker.Engine.Advance(_broker.Now);

        Assert.InRange(_broker.Counters.DeniedSubscriptions, 1, AccessReview.StepsPerTurn);
        Assert.True(_broker.Engine.HasWork);
        _broker.Settle();
        Assert.Equal((Count, 0), (_broker.Counters.DeniedSubscriptions, _broker.Counters.Subscriptions));
    }

    [Fact]
    public void Without_rules_everything_is_allowed()
    {
        _broker.Engine.ReplaceAccessRules(null);
        var client = _broker.Subscriber("a", "#");

        Assert.Equal(ReasonCode.Success, client.PublishAcknowledged("anything", "at all"));
        client.NextMessage("at all");
    }

    [Fact]
    public void Users_that_are_no_more_lose_connection_and_Session()
    {
        var broker = new HandTurnedBroker(new BrokerOptions { Authenticator = new Believing(), AllowAnonymous = true });
        var ann = broker.Connect("a", connect => connect with { UserName = "ann", SessionExpiryInterval = 100 });
        var away = broker.Connect("b", connect => connect with { UserName = "ann", SessionExpiryInterval = 100 });
        away.Lose();
        var bob = broker.Connect("c", connect => connect with { UserName = "bob" });
        var nobody = broker.Connect("d");

        broker.Engine.EndUsers(["ann", "eve"], broker.Now);
        broker.Settle();

        Assert.Contains("«ann»", ann.ExpectDisconnect(ReasonCode.AdministrativeAction).ReasonString, StringComparison.Ordinal);
        Assert.Equal(2, broker.Counters.Sessions);
        bob.ExpectNothing();
        nobody.ExpectNothing();
    }

    [Theory]
    [InlineData("ann", ReasonCode.NotAuthorized)]
    [InlineData("bob", ReasonCode.Success)]
    public void Who_was_asked_about_before_its_user_was_gone_does_not_come_in(string userName, ReasonCode expected)
    {
        var broker = new HandTurnedBroker(new BrokerOptions { Authenticator = new Believing() }) { HoldsSteps = true };
        var client = broker.Open();
        client.Send(new ConnectPacket { ClientId = "a", UserName = userName });

        broker.Engine.EndUsers(["ann"], broker.Now);
        broker.Engine.EndUsers(["eve"], broker.Now);
        broker.Return(broker.Steps.Dequeue(), AuthenticationResult.Accept(userName));

        Assert.Equal(expected, client.Next<ConnAckPacket>().ReasonCode);
    }

    [Theory]
    [InlineData(false, 1)]
    [InlineData(true, 0)]
    public void An_operator_may_end_a_client(bool withSession, int sessions)
    {
        var client = _broker.Connect("a", connect => connect with { SessionExpiryInterval = 100 });

        Assert.True(_broker.Engine.Dismiss("a", withSession, _broker.Now));
        _broker.Settle();

        client.ExpectDisconnect(ReasonCode.AdministrativeAction);
        Assert.Equal(sessions, _broker.Counters.Sessions);
        Assert.False(_broker.Engine.Dismiss("a", withSession: false, _broker.Now));
        Assert.Equal(!withSession, _broker.Engine.Dismiss("a", withSession: true, _broker.Now));
        Assert.Equal(0, _broker.Counters.Sessions);
    }

    [Fact]
    public void A_proof_that_expires_ends_the_connection()
    {
        var broker = new HandTurnedBroker(
            new BrokerOptions { Authenticator = new Believing { ValidFor = TimeSpan.FromSeconds(30) }, AllowAnonymous = true });
        var client = broker.Connect("a", connect => connect with { UserName = "ann" });

        broker.TurnSeconds(29);
        client.ExpectNothing();
        broker.TurnSeconds(2);

        Assert.Contains("expired", client.ExpectDisconnect(ReasonCode.NotAuthorized).ReasonString, StringComparison.Ordinal);
    }

    private static ApplicationMessage Request(string topic, string responseTopic) =>
        TestLink.Message(topic, "on?") with { ResponseTopic = responseTopic };

    private static AccessRule Rule(Permissions permissions, string topic) =>
        new() { Allows = true, Permissions = permissions, Topics = [topic], To = ["*"] };

    /// <summary>Everybody is «ann», in the groups of the moment.</summary>
    private sealed class Grouping : IAuthenticationMethod, IAuthenticationExchange
    {
        public string Name => "GROUPING";

        public ImmutableHashSet<string> Groups { get; set; } = ["operators"];

        public IAuthenticationExchange Begin(ConnectingClient client) => this;

        public ValueTask<AuthenticationResult> NextAsync(ReadOnlyMemory<byte>? data, CancellationToken cancellationToken) =>
            ValueTask.FromResult(AuthenticationResult.Accept(new ClientUser("ann") { Groups = Groups }));
    }

    /// <summary>Takes everybody's word.</summary>
    private sealed class Believing : IAuthenticator
    {
        public TimeSpan? ValidFor { get; init; }

        public ImmutableHashSet<string> Groups { get; set; } = [];

        public ValueTask<AuthenticationResult> AuthenticateAsync(ConnectingClient client, CancellationToken cancellationToken) =>
            ValueTask.FromResult(client.UserName is { } name
                ? AuthenticationResult.Accept(new ClientUser(name) { ValidFor = ValidFor, Groups = Groups })
                : AuthenticationResult.Accept());
    }
}
