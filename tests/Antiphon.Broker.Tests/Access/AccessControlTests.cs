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
        Assert.Contains("access rules", answer.ReasonString, StringComparison.Ordinal);
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

        broker.Engine.EndUsers(["ann", "eve"]);
        broker.Settle();

        Assert.Contains("«ann»", ann.ExpectDisconnect(ReasonCode.AdministrativeAction).ReasonString, StringComparison.Ordinal);
        Assert.Equal(2, broker.Counters.Sessions);
        bob.ExpectNothing();
        nobody.ExpectNothing();
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

    /// <summary>Takes everybody's word.</summary>
    private sealed class Believing : IAuthenticator
    {
        public TimeSpan? ValidFor { get; init; }

        public ValueTask<AuthenticationResult> AuthenticateAsync(ConnectingClient client, CancellationToken cancellationToken) =>
            ValueTask.FromResult(client.UserName is { } name
                ? AuthenticationResult.Accept(new ClientUser(name) { ValidFor = ValidFor })
                : AuthenticationResult.Accept());
    }
}
