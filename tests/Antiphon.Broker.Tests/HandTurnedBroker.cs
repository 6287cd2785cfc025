using System.Net;
using Antiphon.Broker.Access;
using Antiphon.Broker.Authentication;
using Antiphon.Broker.Timing;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;

namespace Antiphon.Broker.Tests;

/// <summary>The engine without sockets, and a clock that stands still until it is turned.</summary>
internal sealed class HandTurnedBroker
{
    private readonly Random _random = new(20260101);

    public HandTurnedBroker(BrokerOptions? options = null)
    {
        Options = options ?? new BrokerOptions();
        Engine = new BrokerEngine(Options, _random.NextBytes);
    }

    public BrokerOptions Options { get; }

    public BrokerEngine Engine { get; }

    /// <summary>Whether steps of authentication wait in <see cref="Steps"/> for the test to run them.</summary>
    public bool HoldsSteps { get; set; }

    public Queue<AuthenticationStep> Steps { get; } = new();

    /// <summary>Whether questions to the authorizer wait in <see cref="Questions"/> for the test to run them.</summary>
    public bool HoldsQuestions { get; set; }

    public Queue<AuthorizationQuestion> Questions { get; } = new();

    /// <summary>What the clock on the wall showed when the broker started.</summary>
    public static DateTimeOffset Epoch { get; } = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public BrokerCounters Counters => Engine.Counters.Read();

    public Instant Now { get; private set; } = new(TimeSpan.FromSeconds(1000));

    /// <summary>A connection that has said nothing yet.</summary>
    public TestLink Open(bool isProxied = false) =>
        TryOpen(remote: null, isProxied) ?? throw new InvalidOperationException("A connection without an address is let in.");

    /// <summary>A connection from an address; <c>null</c>: it is closed as soon as it comes.</summary>
    public TestLink? TryOpen(IPEndPoint? remote, bool isProxied = false)
    {
        if (!isProxied && !Engine.MayOpen(remote))
        {
            return null;
        }

        var link = new TestLink(this);
        link.Connection = Engine.Open(link, new ConnectionOrigin { Listener = "test", RemoteEndPoint = remote }, Now, isProxied);
        return link;
    }

    /// <summary>A connection whose CONNECT was accepted; its CONNACK is in <see cref="TestLink.ConnAck"/>.</summary>
    public TestLink Connect(string clientId, Func<ConnectPacket, ConnectPacket>? with = null)
    {
        var link = Open();
        var connect = new ConnectPacket { ClientId = clientId };
        connect = with is null ? connect : with(connect);
        link.Version = connect.ProtocolVersion;
        link.Send(connect);
        link.ConnAck = link.Next<ConnAckPacket>();
        Assert.Equal(ReasonCode.Success, link.ConnAck.ReasonCode);
        return link;
    }

    /// <summary>A client of MQTT 3.1.1 whose CONNECT was accepted.</summary>
    public TestLink ConnectV311(string clientId, bool cleanSession = true, Func<ConnectPacket, ConnectPacket>? with = null) =>
        Connect(clientId, connect =>
        {
            connect = connect with { ProtocolVersion = ProtocolVersion.V311, CleanStart = cleanSession };
            return with is null ? connect : with(connect);
        });

    /// <summary>A client that is subscribed already.</summary>
    public TestLink Subscriber(
        string clientId,
        string filter,
        QualityOfService qos = QualityOfService.AtLeastOnce,
        Func<ConnectPacket, ConnectPacket>? with = null)
    {
        var link = Connect(clientId, with);
        link.Subscribe(filter, qos);
        return link;
    }

    /// <summary>Turns the clock, in one go, and does what is due.</summary>
    public void Turn(TimeSpan span)
    {
        Now += span;
        Settle();
    }

    /// <summary>Turns the clock, and does nothing yet.</summary>
    public void Advance(TimeSpan span) => Now += span;

    public void TurnSeconds(double seconds) => Turn(TimeSpan.FromSeconds(seconds));

    /// <summary>The end of a wake-up, repeated until nothing is left to do.</summary>
    public void Settle()
    {
        do
        {
            RunSteps();
            if (Engine.HasPresence)
            {
                Engine.TellPresence(Epoch + Now.Elapsed, Now);
            }

            Engine.Advance(Now);
            Engine.Flush(Now);
        }
        while (Engine.HasWork);
    }

    /// <summary>A step of authentication has come to a result.</summary>
    public void Return(AuthenticationStep step, AuthenticationResult result)
    {
        Engine.Authenticated(step, result, Now);
        Settle();
    }

    /// <summary>The next question is put to the authorizer, which answers at once.</summary>
    public void RunQuestion()
    {
        Run(Questions.Dequeue());
        Settle();
    }

    private void Run(AuthorizationQuestion question)
    {
        Assert.True(question.RunAsync(Options.Authorizer!).IsCompletedSuccessfully, "The authorizer of a test does not answer at once.");
        Engine.Authorized(question, Now);
    }

    private void RunSteps()
    {
        while (Engine.TryTakeQuestion(out var question))
        {
            if (HoldsQuestions)
            {
                Questions.Enqueue(question);
            }
            else
            {
                Run(question);
            }
        }

        while (Engine.TryTakeStep(out var step))
        {
            if (HoldsSteps)
            {
                Steps.Enqueue(step);
            }
            else
            {
                var run = step.RunAsync().AsTask();
                Assert.True(run.IsCompletedSuccessfully, "The step of a test's authentication does not end at once.");
                Engine.Authenticated(step, run.Result, Now);
            }
        }
    }
}
