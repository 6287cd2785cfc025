using Antiphon.Broker.Access;
using Antiphon.Broker.Authentication;
using Antiphon.Broker.Connections;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;

namespace Antiphon.Broker.Tests.Access;

/// <summary>The application's authorizer at work in the engine.</summary>
public sealed class AuthorizerTests
{
    private readonly Judge _judge = new();
    private readonly HandTurnedBroker _broker;

    public AuthorizerTests() => _broker = Broker();

    [Fact]
    public void It_is_told_what_is_wanted_by_whom_and_from_where()
    {
        var client = _broker.Connect("a", connect => connect with
        {
            UserName = "ann",
            Will = new Will(TestLink.Message("gone", "", QualityOfService.ExactlyOnce) with { Retain = true }),
        });
        client.Publish(TestLink.Message("state") with { Retain = true });
        client.PublishAcknowledged(TestLink.Message("relay") with { ResponseTopic = "answers" });
        _judge.Answer = request => request.Permission == Permissions.Subscribe ? AuthorizationResult.Allow() : AuthorizationResult.Deny();
        client.Subscribe("$share/g/state/+", QualityOfService.ExactlyOnce);

        Assert.Equal(
            [
                (Permissions.Publish, "gone", QualityOfService.ExactlyOnce, true, true, null),
                (Permissions.Publish, "state", QualityOfService.AtMostOnce, true, false, null),
                (Permissions.Request, "relay", QualityOfService.AtLeastOnce, false, false, "answers"),
                (Permissions.Respond, "state/+", QualityOfService.ExactlyOnce, false, false, null),
                (Permissions.Subscribe, "state/+", QualityOfService.ExactlyOnce, false, false, null),
            ],
            _judge.Asked.Select(asked => (asked.Permission, asked.Topic, asked.QoS, asked.Retain, asked.IsWill, asked.ResponseTopic)));
        Assert.All(
            _judge.Asked,
            asked => Assert.Equal(("a", "ann", "test"), (asked.Client.ClientId, asked.Client.UserName, asked.Origin.Listener)));
    }

    [Theory]
    [InlineData("allowed/by rules", 'a', true)]
    [InlineData("denied/by rules", 'a', true)]
    [InlineData("allowed/by rules", 'd', false)]
    [InlineData("denied/by rules", 'd', false)]
    [InlineData("allowed/by rules", 'r', true)]
    [InlineData("denied/by rules", 'r', false)]
    public void It_allows_denies_or_leaves_it_to_the_rules(string topic, char decision, bool isAllowed)
    {
        var broker = Broker(new AccessRules([Rule(Permissions.Publish | Permissions.Subscribe, "allowed/#")]));
        var listener = broker.Subscriber("listener", topic);
        _judge.Answer = _ => decision switch
        {
            'a' => AuthorizationResult.Allow(),
            'd' => AuthorizationResult.Deny("Not on Sundays."),
            _ => AuthorizationResult.ByRules(),
        };
        var client = broker.Connect("a");
        var old = broker.ConnectV311("old");

        Assert.Equal(isAllowed ? ReasonCode.GrantedQoS1 : ReasonCode.NotAuthorized, client.Subscribe(topic).ReasonCodes[0]);
        Assert.Equal(isAllowed ? ReasonCode.GrantedQoS1 : ReasonCode.UnspecifiedError, old.Subscribe(topic).ReasonCodes[0]);
        client.Unsubscribe(topic);
        old.Unsubscribe(topic);
        var expected = isAllowed ? ReasonCode.Success : ReasonCode.NotAuthorized;
        Assert.Equal(expected, client.PublishAcknowledged(topic, "1"));
        Assert.Equal(expected, client.PublishExactlyOnce(topic, "2"));
        client.Publish(topic, "3");
        Assert.Equal(ReasonCode.Success, old.PublishAcknowledged(topic, "4"));
        Assert.Equal(ReasonCode.Success, old.PublishExactlyOnce(topic, "5"));

        Assert.Equal(isAllowed ? ["1", "2", "3", "4", "5"] : [], listener.All().OfType<PublishPacket>().Select(TestLink.Text));
        Assert.Equal(isAllowed ? (0, 0) : (5, 2), (broker.Counters.DeniedMessages, broker.Counters.DeniedSubscriptions));
        Assert.Equal(5, broker.Counters.MessagesReceived);
    }

    [Theory]
    [InlineData(PacketType.PubAck)]
    [InlineData(PacketType.SubAck)]
    [InlineData(PacketType.ConnAck)]
    public void Its_reason_is_told(PacketType answer)
    {
        _judge.Answer = _ => AuthorizationResult.Deny("Not on Sundays.");
        if (answer == PacketType.ConnAck)
        {
            var refused = _broker.Open();
            refused.Send(new ConnectPacket { ClientId = "a", Will = new Will(TestLink.Message("gone")) });
            Assert.Equal("Not on Sundays.", refused.Next<ConnAckPacket>().ReasonString);
            refused.ExpectClosed();
            return;
        }

        var client = _broker.Connect("a");
        var publish = new PublishPacket(TestLink.Message("t", "x", QualityOfService.AtLeastOnce)) { PacketIdentifier = new(1) };
        if (answer == PacketType.PubAck)
        {
            client.Send(publish);
            Assert.Equal("Not on Sundays.", client.Next<AcknowledgementPacket>().ReasonString);
        }
        else
        {
            Assert.Equal("Not on Sundays.", client.Subscribe("t").ReasonString);
        }
    }

    [Fact]
    public void While_it_thinks_its_own_connection_waits_in_order_and_all_others_go_on()
    {
        var listener = _broker.Subscriber("listener", "#", QualityOfService.AtMostOnce);
        var client = _broker.Connect("a");
        _broker.HoldsQuestions = true;

        client.Send(Publish("t/1", 1), Publish("t/2", 2), PingReqPacket.Instance, Publish("t/3", 3));
        var bytes = TestLink.Bytes(Publish("t/4", 4));
        client.Send(bytes.AsSpan(0, 5));
        client.Send(bytes.AsSpan(5));

        client.ExpectNothing();
        Assert.Single(_broker.Questions);
        _judge.Answer = request => request.Topic == "t/2" ? AuthorizationResult.Deny() : AuthorizationResult.Allow();
        var other = _broker.Connect("b");
        other.Send(PingReqPacket.Instance);
        other.Next<PingRespPacket>();

        foreach (var code in new[] { ReasonCode.Success, ReasonCode.NotAuthorized })
        {
            _broker.RunQuestion();
            Assert.Equal(code, client.Next<AcknowledgementPacket>().ReasonCode);
        }

        client.Next<PingRespPacket>();
        client.ExpectNothing();
        _broker.RunQuestion();
        _broker.RunQuestion();
        Assert.Equal([3, 4], client.All().Cast<AcknowledgementPacket>().Select(answer => (int)answer.PacketIdentifier.Value));
        Assert.Equal(["t/1", "t/3", "t/4"], listener.All().Cast<PublishPacket>().Select(publish => publish.Message.Topic));
        Assert.Equal(4, _broker.Counters.MessagesReceived);
        Assert.Empty(_broker.Questions);
    }

    [Fact]
    public void Who_is_held_does_not_fall_silent_and_does_not_take_too_long_for_a_packet()
    {
        var broker = Broker(timeout: TimeSpan.FromMinutes(30));
        var client = broker.Connect("a", connect => connect with { KeepAlive = 10 });
        broker.HoldsQuestions = true;
        client.Send([.. TestLink.Bytes(Publish("t/1", 1)), .. TestLink.Bytes(Publish("t/2", 2))[..3]]);

        for (var i = 0; i < 100; i++)
        {
            broker.TurnSeconds(10);
        }

        client.ExpectNothing();
        broker.RunQuestion();
        Assert.Equal(ReasonCode.NoMatchingSubscribers, client.Next<AcknowledgementPacket>().ReasonCode);
        broker.TurnSeconds(14);
        client.ExpectNothing();
        broker.TurnSeconds(20);
        client.ExpectDisconnect(ReasonCode.KeepAliveTimeout);
    }

    [Fact]
    public void Who_sends_on_is_left_unread_from_some_bytes_on()
    {
        var client = _broker.Connect("a");
        _broker.HoldsQuestions = true;
        client.Send(Publish("t", 1));
        var more = TestLink.Bytes(new PublishPacket(TestLink.Message("u", new string('x', 15_000))));

        client.Send(more);
        Assert.False(client.IsPaused);
        client.Send(more);
        Assert.True(client.IsPaused);

        _broker.RunQuestion();
        Assert.False(client.IsPaused);
        _broker.RunQuestion();
        _broker.RunQuestion();
        Assert.Equal(3, _broker.Counters.MessagesReceived);
    }

    [Fact]
    public void What_it_decides_holds_for_topic_QoS_and_RETAIN_as_long_as_it_says()
    {
        var client = _broker.Connect("a");
        _judge.Answer = request => request.Topic == "no"
            ? AuthorizationResult.Deny("No.", TimeSpan.FromSeconds(10))
            : AuthorizationResult.Allow(request.Topic == "ever" ? TimeSpan.MaxValue : TimeSpan.FromSeconds(10));

        for (var round = 0; round < 2; round++)
        {
            client.Publish("t");
            client.Publish(TestLink.Message("t") with { Retain = true });
            client.Publish(TestLink.Message("t") with { ResponseTopic = "answers" });
            client.PublishAcknowledged("t");
            client.Publish("ever");
            Assert.Equal(ReasonCode.NotAuthorized, client.PublishAcknowledged("no"));
        }

        Assert.Equal(6, _judge.Asked.Count);
        _broker.TurnSeconds(11);
        client.Publish("t");
        client.Publish("ever");
        Assert.Equal(7, _judge.Asked.Count);
        _broker.Connect("b").Publish("ever");
        Assert.Equal(8, _judge.Asked.Count);
        Assert.Equal(2, _broker.Counters.DeniedMessages);
    }

    [Fact]
    public void Who_authenticates_again_is_asked_about_again()
    {
        var broker = new HandTurnedBroker(new BrokerOptions { Authorizer = _judge, AuthenticationMethods = [new Certain()] });
        var client = broker.Connect("a", connect => connect with { AuthenticationMethod = "CERTAIN" });
        _judge.Answer = _ => AuthorizationResult.Allow(TimeSpan.MaxValue);
        client.Publish("t");
        client.Publish("t");
        Assert.Single(_judge.Asked);

        client.Send(new AuthPacket { ReasonCode = ReasonCode.ReAuthenticate, AuthenticationMethod = "CERTAIN" });
        client.Publish("t");

        Assert.Equal(2, _judge.Asked.Count);
    }

    [Fact]
    public void Many_topics_are_remembered_without_being_taken_for_each_other()
    {
        var client = _broker.Connect("a");
        _judge.Answer = request => request.Topic[^1] % 2 == 0
            ? AuthorizationResult.Allow(TimeSpan.MaxValue)
            : AuthorizationResult.Deny("Odd.", TimeSpan.MaxValue);
        var longTopic = new string('l', 300) + "0";
        foreach (var topics in new[] { RememberedAnswers.Maximum, 2 * RememberedAnswers.Maximum })
        {
            for (var round = 0; round < 3; round++)
            {
                for (var i = 0; i < topics; i++)
                {
                    Assert.Equal(i % 2 == 1, client.PublishAcknowledged($"t/{i}") == ReasonCode.NotAuthorized);
                }

                client.Publish(longTopic);
            }

            Assert.InRange(_judge.Asked.Count, topics + 3, topics == RememberedAnswers.Maximum ? topics + 3 : int.MaxValue);
        }

        Assert.Equal(6, _judge.Asked.Count(asked => asked.Topic == longTopic));
    }

    [Fact]
    public void Late_means_no_and_what_comes_later_is_ignored()
    {
        var listener = _broker.Subscriber("listener", "#");
        var client = _broker.Connect("a");
        _broker.HoldsQuestions = true;
        client.Send(Publish("t/1", 1), Publish("t/2", 2));
        var late = _broker.Questions.Dequeue();

        _broker.TurnSeconds(4.9);
        client.ExpectNothing();
        _broker.TurnSeconds(0.2);

        var answer = client.Next<AcknowledgementPacket>();
        Assert.Equal(ReasonCode.NotAuthorized, answer.ReasonCode);
        Assert.Contains("in time", answer.ReasonString, StringComparison.Ordinal);
        Assert.True(late.IsAbandoned);
        _broker.Engine.Authorized(late, _broker.Now);
        client.ExpectNothing();
        _broker.RunQuestion();
        Assert.Equal(ReasonCode.Success, client.Next<AcknowledgementPacket>().ReasonCode);
        Assert.Equal("t/2", listener.Next<PublishPacket>().Message.Topic);
        Assert.Equal((1, 1), (_broker.Counters.FailedAuthorizations, _broker.Counters.DeniedMessages));
    }

    [Fact]
    public void Who_throws_refuses_and_is_counted()
    {
        var client = _broker.Connect("a");
        _judge.Answer = request => request.Topic == "bad" ? throw new InvalidOperationException("!") : AuthorizationResult.Allow();

        Assert.Equal(ReasonCode.NotAuthorized, client.PublishAcknowledged("bad"));
        Assert.Equal(ReasonCode.NoMatchingSubscribers, client.PublishAcknowledged("good"));
        client.Send(new SubscribePacket
        {
            PacketIdentifier = new(9),
            Subscriptions = [new("good", new()), new("bad", new()), new("good/too", new())],
        });

        var codes = client.Next<SubAckPacket>().ReasonCodes;
        Assert.Equal([ReasonCode.Success, ReasonCode.NotAuthorized, ReasonCode.Success], codes);
        Assert.Equal(3, _broker.Counters.FailedAuthorizations);
        _judge.Answer = _ => null!;
        Assert.Equal(ReasonCode.NotAuthorized, client.PublishAcknowledged("null"));
        Assert.Equal(4, _broker.Counters.FailedAuthorizations);
    }

    [Fact]
    public void What_is_decided_of_a_SUBSCRIBE_when_time_is_over_holds()
    {
        var client = _broker.Connect("a");
        _broker.HoldsQuestions = true;
        var never = new TaskCompletionSource<AuthorizationResult>();
        _judge.Later = request => request.Topic == "slow" ? new(never.Task) : new(AuthorizationResult.Allow());
        client.Send(new SubscribePacket { PacketIdentifier = new(9), Subscriptions = [new("quick", new()), new("slow", new())] });
        var run = _broker.Questions.Dequeue().RunAsync(_judge);

        _broker.TurnSeconds(6);

        Assert.False(run.IsCompleted);
        Assert.Equal([ReasonCode.Success, ReasonCode.NotAuthorized], client.Next<SubAckPacket>().ReasonCodes);
        never.SetResult(AuthorizationResult.Allow());
    }

    [Fact]
    public void A_CONNECT_waits_for_its_Will_and_what_comes_behind_it_waits_too()
    {
        _broker.HoldsQuestions = true;
        var client = _broker.Open();
        client.Send(new ConnectPacket { Will = new Will(TestLink.Message("gone", "x")) }, PingReqPacket.Instance);

        client.ExpectNothing();
        Assert.Equal(0, _broker.Counters.Sessions);
        _broker.RunQuestion();

        var answer = client.Next<ConnAckPacket>();
        Assert.Equal((ReasonCode.Success, _judge.Asked[0].Client.ClientId), (answer.ReasonCode, answer.AssignedClientIdentifier));
        client.Next<PingRespPacket>();
        Assert.Equal(ConnectionPhase.Connected, client.Connection.Phase);
    }

    [Fact]
    public void A_Will_that_is_late_refuses_the_CONNECT_and_one_whose_client_has_gone_is_nothing()
    {
        _broker.HoldsQuestions = true;
        var slow = _broker.Open();
        slow.Send(new ConnectPacket { ClientId = "slow", Will = new Will(TestLink.Message("gone")) });
        var gone = _broker.Open();
        gone.Send(new ConnectPacket { ClientId = "gone", Will = new Will(TestLink.Message("gone")) });
        gone.Lose();

        Assert.True(_broker.Questions.Last().IsAbandoned);
        _broker.TurnSeconds(6);

        Assert.Equal(ReasonCode.NotAuthorized, slow.Next<ConnAckPacket>().ReasonCode);
        slow.ExpectClosed();
        _broker.RunQuestion();
        _broker.RunQuestion();
        Assert.Equal((0, 1), (_broker.Counters.Sessions, _broker.Counters.FailedAuthorizations));
    }

    [Fact]
    public void A_user_that_is_gone_while_its_Will_is_judged_does_not_come_in()
    {
        _broker.HoldsQuestions = true;
        var (ann, bob) = (Waiting("ann"), Waiting("bob"));

        _broker.Engine.EndUsers(["ann"], _broker.Now);
        _broker.Settle();
        _broker.RunQuestion();
        _broker.RunQuestion();

        var refused = ann.Next<ConnAckPacket>();
        Assert.Equal(ReasonCode.NotAuthorized, refused.ReasonCode);
        Assert.Contains("«ann»", refused.ReasonString, StringComparison.Ordinal);
        ann.ExpectClosed();
        Assert.Equal(ReasonCode.Success, bob.Next<ConnAckPacket>().ReasonCode);

        TestLink Waiting(string userName)
        {
            var client = _broker.Open();
            client.Send(new ConnectPacket { ClientId = userName, UserName = userName, Will = new Will(TestLink.Message("gone")) });
            client.ExpectNothing();
            return client;
        }
    }

    [Fact]
    public void A_Will_and_a_subscription_that_it_allows_stand_whatever_rules_come_later()
    {
        var broker = Broker(new AccessRules([Rule(Permissions.Publish, "x")]));
        var listener = broker.Subscriber("listener", "gone");
        var client = broker.Connect("a", connect => connect with { Will = new Will(TestLink.Message("gone", "bye")) });
        _judge.Answer = _ => AuthorizationResult.ByRules();

        broker.Engine.ReplaceAccessRules(new AccessRules([Rule(Permissions.Publish, "y")]));
        broker.Settle();
        client.Lose();

        listener.NextMessage("bye");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void What_a_client_sent_before_it_went_is_done_first_its_farewell_too(bool saysGoodbye)
    {
        var listener = _broker.Subscriber("listener", "#", QualityOfService.AtMostOnce);
        var client = _broker.Connect("a", connect => connect with { Will = new Will(TestLink.Message("will", "will")) });
        _broker.HoldsQuestions = true;
        client.Send([Message("1"), Message("2"), .. saysGoodbye ? [new DisconnectPacket()] : Array.Empty<Packet>()]);
        client.Lose();

        listener.ExpectNothing();
        _broker.RunQuestion();
        listener.NextMessage("1");
        _broker.RunQuestion();
        listener.NextMessage("2");
        if (!saysGoodbye)
        {
            listener.NextMessage("will");
        }

        listener.ExpectNothing();
        Assert.Equal((1, 1), (_broker.Counters.Connections, _broker.Counters.Sessions));

        static Packet Message(string payload) => new PublishPacket(TestLink.Message("t", payload));
    }

    [Fact]
    public void Who_has_gone_is_not_waited_for_again_where_the_authorizer_takes_its_time()
    {
        var client = _broker.Connect("a");
        _broker.HoldsQuestions = true;
        client.Send(Publish("t/1", 1), Publish("t/2", 2), Publish("t/3", 3));
        client.Lose();
        Assert.Equal(1, _broker.Counters.Connections);

        _broker.TurnSeconds(6);

        Assert.Equal(0, _broker.Counters.Connections);
        Assert.All(_broker.Questions, question => Assert.True(question.IsAbandoned));
    }

    [Fact]
    public void A_connection_that_is_taken_over_waits_no_longer()
    {
        var first = _broker.Connect("a");
        _broker.HoldsQuestions = true;
        first.Send(Publish("t", 1));

        var second = _broker.Connect("a");

        first.ExpectDisconnect(ReasonCode.SessionTakenOver);
        _broker.RunQuestion();
        second.ExpectNothing();
        Assert.Equal(0, _broker.Counters.MessagesReceived);
    }

    [Fact]
    public void Response_topics_of_ones_own_are_not_asked_about_and_answers_need_the_permission_to_respond()
    {
        var requester = _broker.Connect("a", connect => connect with { RequestResponseInformation = true });
        var topic = requester.ConnAck.ResponseInformation + "/1";
        requester.Subscribe(topic);
        Assert.Empty(_judge.Asked);
        var responder = _broker.Subscriber("responder", "relay");
        _judge.Answer = request => request.Permission == Permissions.Respond ? AuthorizationResult.Deny() : AuthorizationResult.Allow();
        var listener = _broker.Subscriber("listener", "relay");
        requester.PublishAcknowledged(TestLink.Message("relay", "?") with { ResponseTopic = topic });
        var asked = _judge.Asked.Count;

        Assert.Equal(ReasonCode.NotAuthorized, listener.PublishAcknowledged(topic, "from who may only listen"));
        Assert.Equal(ReasonCode.Success, responder.PublishAcknowledged(topic, "on"));
        requester.NextMessage("on");
        requester.ExpectNothing();
        Assert.Equal(asked, _judge.Asked.Count);
    }

    [Fact]
    public void An_answer_is_not_taken_for_one_about_the_next_packet()
    {
        var broker = new HandTurnedBroker(new BrokerOptions
        {
            Authorizer = _judge,
            Authenticator = new Naming(),
            BridgeGroups = ["bridges"],
            AccessRules = new AccessRules([], new Dictionary<string, IReadOnlyList<string>> { ["bridges"] = ["ann"] }),
        });
        var client = broker.Connect("a", connect => connect with { UserName = "ann" });
        broker.HoldsQuestions = true;
        var first = Publish("t/1", 1);
        client.Send(
            new PublishPacket(first.Message with { UserProperties = [new("antiphon-caller", "x")] }) { PacketIdentifier = new(1) },
            Publish("t/2", 2));

        broker.Engine.ReplaceAccessRules(null);
        broker.RunQuestion();

        Assert.Equal(ReasonCode.NotAuthorized, client.Next<AcknowledgementPacket>().ReasonCode);
        client.ExpectNothing();
        broker.RunQuestion();
        Assert.Equal(["t/1", "t/2"], _judge.Asked.Select(asked => asked.Topic));
    }

    [Fact]
    public void Answers_have_bounds()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => AuthorizationResult.Allow(TimeSpan.FromSeconds(-1)));
        Assert.Throws<ArgumentException>(() => AuthorizationResult.Deny("a\0b"));
        Assert.Throws<ArgumentException>(() => AuthorizationResult.Deny(new string('x', 65_536)));
    }

    private static PublishPacket Publish(string topic, ushort identifier) =>
        new(TestLink.Message(topic, "", QualityOfService.AtLeastOnce)) { PacketIdentifier = new(identifier) };

    private static AccessRule Rule(Permissions permissions, string topic) =>
        new() { Allows = true, Permissions = permissions, Topics = [topic], To = ["*"] };

    private HandTurnedBroker Broker(AccessRules? rules = null, TimeSpan? timeout = null) => new(new BrokerOptions
    {
        Authorizer = _judge,
        Authenticator = new Naming(),
        AllowAnonymous = true,
        AccessRules = rules,
        AuthorizationTimeout = timeout ?? TimeSpan.FromSeconds(5),
    });

    /// <summary>Allows everything unless it is told otherwise.</summary>
    private sealed class Judge : IAuthorizer
    {
        public List<AuthorizationRequest> Asked { get; } = [];

        public Func<AuthorizationRequest, AuthorizationResult> Answer { get; set; } = _ => AuthorizationResult.Allow();

        public Func<AuthorizationRequest, ValueTask<AuthorizationResult>>? Later { get; set; }

        public ValueTask<AuthorizationResult> AuthorizeAsync(AuthorizationRequest request, CancellationToken cancellationToken)
        {
            Asked.Add(request);
            return Later?.Invoke(request) ?? ValueTask.FromResult(Answer(request));
        }
    }

    private sealed class Certain : IAuthenticationMethod, IAuthenticationExchange
    {
        public string Name => "CERTAIN";

        public IAuthenticationExchange Begin(ConnectingClient client) => this;

        public ValueTask<AuthenticationResult> NextAsync(ReadOnlyMemory<byte>? data, CancellationToken cancellationToken) =>
            ValueTask.FromResult(AuthenticationResult.Accept("ann"));
    }

    private sealed class Naming : IAuthenticator
    {
        public ValueTask<AuthenticationResult> AuthenticateAsync(ConnectingClient client, CancellationToken cancellationToken) =>
            ValueTask.FromResult(AuthenticationResult.Accept(client.UserName));
    }
}
