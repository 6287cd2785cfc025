using Antiphon.Broker.Authentication;
using Antiphon.Broker.Connections;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;

namespace Antiphon.Broker.Tests.Authentication;

public sealed class PasswordTests
{
    private readonly HandTurnedBroker _broker = new(
        new BrokerOptions { Authenticator = new Unasked(), ConnectTimeout = TimeSpan.FromSeconds(10) })
    { HoldsSteps = true };

    [Fact]
    public void The_authenticator_is_told_what_CONNECT_says()
    {
        ConnectingClient? asked = null;
        var broker = new HandTurnedBroker(new BrokerOptions { Authenticator = new Asking(client => asked = client) });

        broker.ConnectV311("device", with: connect => connect with { UserName = "ann", Password = "secret"u8.ToArray() });

        Assert.Equal(("device", "ann", ProtocolVersion.V311), (asked!.ClientId, asked.UserName, asked.ProtocolVersion));
        Assert.Equal("test", asked.Origin.Listener);
        Assert.Equal("secret"u8.ToArray(), asked.Password!.Value.ToArray());
        Assert.DoesNotContain("secret", asked.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Label", "MQTT-3.2.0-1")]
    [Trait("Label", "MQTT-3.1.4-4")]
    public void Nothing_is_said_and_no_Session_touched_before_the_answer()
    {
        var listener = Accepted("listener", "ann");
        listener.Subscribe("t");
        var client = Open("listener", "ann");

        client.ExpectNothing();
        Assert.Equal(ConnectionPhase.Authenticating, client.Connection.Phase);
        Assert.False(listener.SendingEnded);
        _broker.Return(_broker.Steps.Dequeue(), AuthenticationResult.Accept("ann"));

        Assert.Equal(ReasonCode.Success, client.Next<ConnAckPacket>().ReasonCode);
        listener.ExpectDisconnect(ReasonCode.SessionTakenOver);
    }

    [Theory]
    [Trait("Label", "MQTT-3.1.4-2")]
    [Trait("Label", "MQTT-3.2.2-7")]
    [Trait("Label", "MQTT-3.2.2-8")]
    [Trait("Label", "MQTT-4.13.2-1")]
    [Trait("Label", "MQTT-3.14.0-1")]
    [InlineData(ReasonCode.BadUserNameOrPassword, 4)]
    [InlineData(ReasonCode.NotAuthorized, 5)]
    [InlineData(ReasonCode.Banned, 5)]
    [InlineData(ReasonCode.ServerUnavailable, 3)]
    [InlineData(ReasonCode.ServerBusy, 3)]
    public void A_refusal_is_said_in_CONNACK_in_the_words_of_either_version(ReasonCode code, byte returnCode)
    {
        var client = Open("a", "ann");
        _broker.Return(_broker.Steps.Dequeue(), AuthenticationResult.Reject(code, "No."));
        var answer = client.Next<ConnAckPacket>();
        Assert.Equal((code, "No.", false), (answer.ReasonCode, answer.ReasonString, answer.SessionPresent));
        client.ExpectClosed();

        var old = _broker.Open();
        old.Version = ProtocolVersion.V311;
        old.Send(new ConnectPacket { ClientId = "b", ProtocolVersion = ProtocolVersion.V311, CleanStart = true, UserName = "ann" });
        _broker.Return(_broker.Steps.Dequeue(), AuthenticationResult.Reject(code, "No."));
        Assert.Equal<byte>([0x20, 2, 0, returnCode], old.Received.ToArray());
        Assert.True(old.SendingEnded);
        Assert.Equal(0, _broker.Counters.Sessions);
    }

    [Theory]
    [InlineData(false, ReasonCode.UseAnotherServer)]
    [InlineData(true, ReasonCode.ServerMoved)]
    public void A_client_is_sent_to_another_server(bool permanently, ReasonCode code)
    {
        var client = Open("a", "ann");
        _broker.Return(_broker.Steps.Dequeue(), AuthenticationResult.UseAnotherServer("other.example:1883", permanently));

        var answer = client.Next<ConnAckPacket>();
        Assert.Equal((code, "other.example:1883"), (answer.ReasonCode, answer.ServerReference));
        client.ExpectClosed();

        var old = _broker.Open();
        old.Version = ProtocolVersion.V311;
        old.Send(new ConnectPacket { ClientId = "b", ProtocolVersion = ProtocolVersion.V311, CleanStart = true, UserName = "ann" });
        _broker.Return(_broker.Steps.Dequeue(), AuthenticationResult.UseAnotherServer("other.example:1883", permanently));
        Assert.Equal<byte>([0x20, 2, 0, 3], old.Received.ToArray());
    }

    [Fact]
    public void Only_codes_of_CONNACK_that_refuse_can_be_rejected_with()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => AuthenticationResult.Reject(ReasonCode.Success));
        Assert.Throws<ArgumentOutOfRangeException>(() => AuthenticationResult.Reject(ReasonCode.SessionTakenOver));
    }

    [Theory]
    [InlineData(false, null, ReasonCode.NotAuthorized)]
    [InlineData(false, "by its address", ReasonCode.Success)]
    [InlineData(true, null, ReasonCode.Success)]
    public void Who_does_not_say_who_it_is_is_asked_about_and_needs_a_name_or_AllowAnonymous(bool allowed, string? name, ReasonCode code)
    {
        var asked = new List<ConnectingClient>();
        var broker = new HandTurnedBroker(
            new BrokerOptions { Authenticator = new Asking(asked.Add, AuthenticationResult.Accept(name)), AllowAnonymous = allowed });
        var client = broker.Open();
        client.Send(new ConnectPacket { ClientId = "nobody" });
        Assert.Equal(code, client.Next<ConnAckPacket>().ReasonCode);
        Assert.Equal(code != ReasonCode.Success, client.SendingEnded);

        var old = broker.Open();
        old.Version = ProtocolVersion.V311;
        old.Send(new ConnectPacket { ClientId = "old", ProtocolVersion = ProtocolVersion.V311, CleanStart = true });
        Assert.Equal<byte>([0x20, 2, 0, (byte)(code == ReasonCode.Success ? 0 : 5)], old.Received.ToArray());
        Assert.Equal([("nobody", null), ("old", null)], asked.Select(each => (each.ClientId, each.UserName)));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Who_does_not_say_who_it_is_can_be_sent_to_another_server(bool allowed)
    {
        var broker = new HandTurnedBroker(
            new BrokerOptions
            {
                Authenticator = new Asking(_ => { }, AuthenticationResult.UseAnotherServer("other.example")),
                AllowAnonymous = allowed,
            });
        var client = broker.Open();

        client.Send(new ConnectPacket { ClientId = "nobody" });

        var answer = client.Next<ConnAckPacket>();
        Assert.Equal((ReasonCode.UseAnotherServer, "other.example"), (answer.ReasonCode, answer.ServerReference));
    }

    [Theory]
    [InlineData(false, ReasonCode.NotAuthorized)]
    [InlineData(true, ReasonCode.Success)]
    public void A_list_of_users_lets_in_who_does_not_say_who_it_is_with_AllowAnonymous_alone(bool allowed, ReasonCode code)
    {
        var broker = new HandTurnedBroker(new BrokerOptions { Authenticator = CredentialList.Empty.Passwords, AllowAnonymous = allowed });
        var client = broker.Open();
        client.Send(new ConnectPacket { ClientId = "nobody" });
        Assert.Equal(code, client.Next<ConnAckPacket>().ReasonCode);

        var named = broker.Open();
        named.Send(new ConnectPacket { ClientId = "ann", UserName = "ann" });
        Assert.Equal(ReasonCode.BadUserNameOrPassword, named.Next<ConnAckPacket>().ReasonCode);
    }

    [Fact]
    public void A_password_without_a_user_name_is_something_to_ask_about()
    {
        var client = _broker.Open();
        client.Send(new ConnectPacket { ClientId = "a", Password = "token"u8.ToArray() });

        _broker.Return(_broker.Steps.Dequeue(), AuthenticationResult.Accept("ann"));

        Assert.Equal(ReasonCode.Success, client.Next<ConnAckPacket>().ReasonCode);
    }

    [Fact]
    public void What_comes_before_CONNACK_is_done_after_it_in_order_and_in_pieces()
    {
        var listener = Accepted("listener", "ann");
        listener.Subscribe("t");
        var client = _broker.Open();
        var early = TestLink.Bytes(
            new PublishPacket(TestLink.Message("t", "1")), new PublishPacket(TestLink.Message("t", "2")), PingReqPacket.Instance);

        client.Send([.. TestLink.Bytes(new ConnectPacket { ClientId = "eager", UserName = "ann" }), .. early[..5]]);
        client.Send(early.AsSpan(5, 4));
        client.Send(early.AsSpan(9));
        listener.ExpectNothing();
        _broker.Return(_broker.Steps.Dequeue(), AuthenticationResult.Accept("ann"));

        client.Next<ConnAckPacket>();
        client.Next<PingRespPacket>();
        client.ExpectNothing();
        listener.NextMessage("1");
        listener.NextMessage("2");
    }

    [Fact]
    [Trait("Label", "MQTT-3.1.4-6")]
    public void What_comes_before_a_refusal_is_not_done()
    {
        var listener = Accepted("listener", "ann");
        listener.Subscribe("#");
        var client = _broker.Open();
        client.Send(new ConnectPacket { ClientId = "eager", UserName = "eve" }, new PublishPacket(TestLink.Message("t", "unseen")));

        _broker.Return(_broker.Steps.Dequeue(), AuthenticationResult.Reject());
        client.Send(new PublishPacket(TestLink.Message("t", "unseen")));

        Assert.Equal(ReasonCode.NotAuthorized, client.Next<ConnAckPacket>().ReasonCode);
        client.ExpectClosed();
        listener.ExpectNothing();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Who_sends_a_lot_before_CONNACK_is_left_unread_until_the_answer(bool accept)
    {
        var client = Open("eager", "ann");
        var early = TestLink.Bytes(new PublishPacket(TestLink.Message("t", new string('x', 10_000))));
        client.Send(early);
        Assert.False(client.IsPaused);
        client.Send(early);
        Assert.True(client.IsPaused);

        _broker.Return(_broker.Steps.Dequeue(), accept ? AuthenticationResult.Accept() : AuthenticationResult.Reject());

        Assert.False(client.IsPaused);
        Assert.Equal(accept ? 2 : 0, _broker.Counters.MessagesReceived);
    }

    [Fact]
    public void A_client_that_goes_cancels_the_question_and_nothing_comes_of_the_answer()
    {
        var client = Open("gone", "ann");
        var step = _broker.Steps.Dequeue();

        client.Lose();

        Assert.True(step.Token.IsCancellationRequested);
        Assert.True(step.IsAbandoned);
        _broker.Return(step, AuthenticationResult.Accept("ann"));
        Assert.Equal(0, _broker.Counters.Sessions);
        Assert.True(client.Received.IsEmpty);
    }

    [Fact]
    public void An_answer_that_takes_longer_than_the_ConnectTimeout_is_not_waited_for()
    {
        var client = Open("patient", "ann");
        var step = _broker.Steps.Dequeue();
        _broker.TurnSeconds(9.9);
        client.ExpectNothing();

        _broker.TurnSeconds(0.2);

        Assert.Equal(ReasonCode.ServerUnavailable, client.Next<ConnAckPacket>().ReasonCode);
        client.ExpectClosed();
        Assert.True(step.Token.IsCancellationRequested);
        _broker.Return(step, AuthenticationResult.Accept("ann"));
        client.ExpectNothing();
    }

    [Fact]
    public void The_broker_that_stops_asks_no_further()
    {
        var client = Open("late", "ann");

        _broker.Engine.DismissAll(_broker.Now);

        Assert.True(client.Aborted);
        Assert.True(_broker.Steps.Dequeue().Token.IsCancellationRequested);
        Assert.Equal(0, _broker.Counters.Connections);
    }

    [Fact]
    public void A_Session_is_for_the_user_alone_whose_client_began_it()
    {
        var first = Accepted("device", "ann", sessionExpiry: 100);
        first.Lose();

        var thief = Open("device", "eve");
        _broker.Return(_broker.Steps.Dequeue(), AuthenticationResult.Accept("eve"));

        Assert.Equal(ReasonCode.NotAuthorized, thief.Next<ConnAckPacket>().ReasonCode);
        thief.ExpectClosed();
        Assert.True(Accepted("device", "ann").ConnAck.SessionPresent);
    }

    private TestLink Accepted(string clientId, string userName, uint sessionExpiry = 0)
    {
        var link = Open(clientId, userName, sessionExpiry);
        _broker.Return(_broker.Steps.Dequeue(), AuthenticationResult.Accept(userName));
        link.ConnAck = link.Next<ConnAckPacket>();
        Assert.Equal(ReasonCode.Success, link.ConnAck.ReasonCode);
        return link;
    }

    private TestLink Open(string clientId, string userName, uint sessionExpiry = 0)
    {
        var link = _broker.Open();
        link.Send(new ConnectPacket { ClientId = clientId, UserName = userName, SessionExpiryInterval = sessionExpiry });
        return link;
    }

    /// <summary>The test answers itself, through <see cref="HandTurnedBroker.Return"/>.</summary>
    private sealed class Unasked : IAuthenticator
    {
        public ValueTask<AuthenticationResult> AuthenticateAsync(ConnectingClient client, CancellationToken cancellationToken) =>
            throw new InvalidOperationException();
    }

    private sealed class Asking(Action<ConnectingClient> asked, AuthenticationResult? result = null) : IAuthenticator
    {
        public ValueTask<AuthenticationResult> AuthenticateAsync(ConnectingClient client, CancellationToken cancellationToken)
        {
            asked(client);
            return ValueTask.FromResult(result ?? AuthenticationResult.Accept(client.UserName));
        }
    }
}
