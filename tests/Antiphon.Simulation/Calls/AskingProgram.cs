using System.Globalization;
using Antiphon.Client;
using Antiphon.Protocol;
using Antiphon.Rpc;
using Antiphon.Simulation.Ends;

namespace Antiphon.Simulation.Calls;

/// <summary>A program that makes calls, and how each of them ended.</summary>
internal sealed class AskingProgram
{
    /// <summary>Timers count whole milliseconds.</summary>
    private static readonly TimeSpan Granularity = TimeSpan.FromMilliseconds(2);

    private readonly World _world;
    private readonly Ledger _ledger;
    private readonly Presence _presence;
    private readonly List<Task> _ending = [];
    private readonly RequesterOptions _options;
    private Requester _requester;
    private object? _session;
    private TimeSpan _sessionLostAt = TimeSpan.MinValue;
    private TimeSpan _disposedAt = TimeSpan.MinValue;
    private (ServerLimits? Limits, TimeSpan ChangedAt) _server = (null, TimeSpan.MinValue);

    public AskingProgram(World world, Ledger ledger, Presence presence, SimulatedProcess process)
    {
        _world = world;
        _ledger = ledger;
        _presence = presence;
        Process = process;
        Client = MqttClient.Start(process.Options with
        {
            SessionExpiry = TimeSpan.FromSeconds(world.Chance.Of([0, 2, 300])),
            KeepAlive = TimeSpan.FromSeconds(world.Chance.Between(2, 20)),
            ReceiveMaximum = (ushort)world.Chance.Between(1, 50),
            MaximumQueuedMessages = world.Chance.Happens(0.1) ? 2 : 1000,
        });
        _options = new RequesterOptions { TimeProvider = process.Clock, MaximumInFlight = world.Chance.Happens(0.3) ? 2 : 1000 };
        _requester = new Requester(Client, _options);
    }

    public SimulatedProcess Process { get; }

    public MqttClient Client { get; }

    public List<PendingCall> Pending { get; } = [];

    /// <summary>The numbers of calls that say that their request was not sent.</summary>
    public List<int> NotSent { get; } = [];

    /// <summary>Whether every call has ended and nothing of any is left.</summary>
    public bool IsSettled => Pending.Count == 0 && _ending.TrueForAll(static task => task.IsCompleted) && _world.IsFree(Client);

    /// <summary>Begins a call.</summary>
    public void Call(int number, string topic)
    {
        var chance = _world.Chance;
        var timeout = TimeSpan.FromMilliseconds(20) + chance.Duration(TimeSpan.FromSeconds(8));
        var cancellation = new CancellationTokenSource();
        var qos = chance.Of([QualityOfService.AtMostOnce, QualityOfService.AtLeastOnce, QualityOfService.AtLeastOnce]);
        _world.Trace.Add($"calls {topic} with QoS {(int)qos} for {timeout.TotalMilliseconds} ms", Process.Name, number);
        var options = new RequestOptions { Timeout = timeout, QoS = qos };
        var task = _requester.RequestAsync(
            topic, number.ToString(CultureInfo.InvariantCulture), options, chance.Happens(0.3) ? cancellation.Token : default);
        Pending.Add(new PendingCall(number, topic, _world.Clock.Now, timeout, task, cancellation));
    }

    /// <summary>The caller of some call does not want to wait.</summary>
    public void CancelOne()
    {
        if (Pending.Count > 0)
        {
            var call = _world.Chance.Of(Pending);
            _world.Trace.Add("cancels", Process.Name, call.Number);
            call.Cancellation.Cancel();
        }
    }

    /// <summary>Disposes of the requester, whose calls all end with that, and makes another.</summary>
    public void Replace()
    {
        _world.Trace.Add("replaces its requester", Process.Name);
        _disposedAt = _world.Clock.Now;
        _ending.Add(_requester.DisposeAsync().AsTask());
        Assert.All(Pending, static call => Assert.True(call.Task.IsCompleted, $"Call {call.Number} has not ended with its requester."));
        _requester = new Requester(Client, _options);
    }

    /// <summary>Looks at the calls: which have ended, and whether it is true what they were told.</summary>
    public void Check()
    {
        var session = _world.Broker.Engine.FindSession(Client.ClientId);
        if (session != _session)
        {
            _session = session;
            _sessionLostAt = _world.Clock.Now;
        }

        if (Client.Server is { } server && !ReferenceEquals(server, _server.Limits))
        {
            _server = (server, _world.Clock.Now);
        }

        for (var i = Pending.Count - 1; i >= 0; i--)
        {
            var call = Pending[i];
            if (call.Task.IsCompleted)
            {
                Pending.RemoveAt(i);
                Judge(call);
            }
            else
            {
                Assert.True(
                    _world.Clock.Now <= call.BegunAt + call.Timeout + Granularity,
                    $"Call {call.Number} should have ended within {call.Timeout}.");
            }
        }
    }

    /// <summary>Nothing may be left of any call.</summary>
    public void CheckEnd()
    {
        var counters = _requester.Counters;
        Assert.Equal((0, 0), (counters.Pending, counters.InFlight));
        Assert.All(_ending, static task => Assert.True(task.IsCompletedSuccessfully, "A requester cannot be disposed of."));
        Assert.All(NotSent, number => Assert.False(_ledger.HasRun(number), $"Request {number} was not sent, it said, and was run."));
        Assert.True(_world.IsFree(Client), $"{Process.Name} and the broker hold something for each other at the end.");
    }

    private void Judge(PendingCall call)
    {
        try
        {
            var response = call.Task.GetAwaiter().GetResult();
            _ledger.Count(typeof(Response));
            Assert.Equal(call.Number.ToString(CultureInfo.InvariantCulture), response.Text.TrimEnd());
            Assert.True(_ledger.HasRun(call.Number), $"Call {call.Number} was answered and not run.");
            Assert.InRange(response.Elapsed, TimeSpan.Zero, call.Timeout);
        }
        catch (RequestException failure)
        {
            _ledger.Count(failure.GetType());
            Judge(call, failure);
        }
        catch (ConnectionException failure)
        {
            _ledger.Count(failure.GetType());
            Assert.False(failure.Sent, $"Call {call.Number} was sent, and ended as if it had not been: {failure.Message}");
            NotSent.Add(call.Number);
        }
        catch (ObjectDisposedException)
        {
            _ledger.Count(typeof(ObjectDisposedException));
            Assert.True(_disposedAt >= call.BegunAt, $"Call {call.Number} says that its requester was disposed of.");
            NotSent.Add(call.Number);
        }
        catch (OperationCanceledException)
        {
            _ledger.Count(typeof(OperationCanceledException));
            Assert.True(call.Cancellation.IsCancellationRequested, $"Call {call.Number} says that it was cancelled.");
        }
    }

    private void Judge(PendingCall call, RequestException failure)
    {
        _world.Trace.Add(failure.GetType().Name, Process.Name, call.Number);
        var hasRun = _ledger.HasRun(call.Number);
        if (failure.Progress == RequestProgress.NotSent)
        {
            NotSent.Add(call.Number);
        }

        switch (failure)
        {
            case NoResponderException:
                Assert.True(_presence.AbsentAt(call.Topic) >= call.BegunAt, $"Call {call.Number} found no responder while there was one.");
                Assert.False(hasRun, $"Call {call.Number} found no responder and was run.");
                break;
            case RemoteErrorException { Status: 429 }:
                Assert.False(hasRun, $"Call {call.Number} was turned away with 429 and was run.");
                break;
            case RemoteErrorException { Status: 503 }:
                // The registration has ended, while the handler ran or before it began.
                break;
            case RemoteErrorException { Status: 404 or 409 or 500 }:
                Assert.True(hasRun, $"Call {call.Number} was answered with an error of the handler and not run: {failure.Message}");
                break;
            case RequestTimeoutException:
                Assert.True(
                    failure.Elapsed >= call.Timeout,
                    $"Call {call.Number} ended after {failure.Elapsed} because {call.Timeout} were over.");
                break;
            case OutcomeUnknownException when failure.Message.Contains("twice", StringComparison.Ordinal):
                Assert.True(_server.ChangedAt >= call.BegunAt, $"Call {call.Number} was sent once, and ends with: {failure.Message}");
                break;
            case OutcomeUnknownException:
                Assert.True(
                    _sessionLostAt >= call.BegunAt || _disposedAt >= call.BegunAt,
                    $"Call {call.Number} has lost its Session, it says: {failure.Message}");
                break;
            case RequestNotSentException:
                NotSent.Add(call.Number);
                break;
            case ResponderGoneException:
                break;
            default:
                Assert.Fail($"Call {call.Number} should not end like this: {failure.Message}");
                break;
        }
    }
}
