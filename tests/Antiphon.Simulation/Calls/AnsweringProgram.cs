using System.Globalization;
using Antiphon.Client;
using Antiphon.Rpc;
using Antiphon.Simulation.Ends;

namespace Antiphon.Simulation.Calls;

/// <summary>A program that answers calls: at once, after a while, with an error, or with an exception.</summary>
internal sealed class AnsweringProgram
{
    private readonly World _world;
    private readonly Ledger _ledger;
    private readonly string _topic;
    private readonly string? _share;
    private readonly ResponderOptions _options;
    private readonly Responder _responder;
    private Task<Registration> _registering;
    private Task _ending = Task.CompletedTask;
    private int _running;

    public AnsweringProgram(World world, Ledger ledger, SimulatedProcess process, string topic, string? share)
    {
        _world = world;
        _ledger = ledger;
        _topic = topic;
        _share = share;
        Process = process;
        Client = MqttClient.Start(process.Options with
        {
            SessionExpiry = TimeSpan.FromSeconds(world.Chance.Of([0, 2, 300])),
            KeepAlive = TimeSpan.FromSeconds(world.Chance.Between(2, 20)),
            ReceiveMaximum = (ushort)world.Chance.Between(1, 50),
        });
        _options = new ResponderOptions
        {
            TimeProvider = process.Clock,
            MaximumConcurrency = world.Chance.Between(1, 4),
            MaximumWaiting = world.Chance.Between(0, 8),
            DrainTimeout = TimeSpan.FromSeconds(2),

            // Little enough that answers have to make room, and enough for a mark of each request.
            MaximumRememberedBytes = world.Chance.Of([64 * 1024, 16 * 1024 * 1024]),
        };
        _responder = new Responder(Client, _options);
        _registering = RegisterAsync();
    }

    public SimulatedProcess Process { get; }

    public MqttClient Client { get; }

    public string Name => Process.Name;

    public string TopicFilter => _share is null ? _topic : $"$share/{_share}/{_topic}";

    /// <summary>Whether nothing runs and nothing is owed.</summary>
    public bool IsSettled =>
        _running == 0 && _ending.IsCompleted && _registering.IsCompleted
            && _responder.Counters is { Running: 0, Waiting: 0 } && _world.IsFree(Client);

    /// <summary>Ends the registration once it is made, and makes it again once it has ended.</summary>
    public void Replace()
    {
        if (_registering.IsCompletedSuccessfully && _ending.IsCompleted)
        {
            _world.Trace.Add("ends its registration", Name);
            _ending = _registering.Result.DisposeAsync().AsTask();
            _registering = RegisterAgainAsync(_ending);
        }
    }

    public void Check()
    {
        Assert.False(_registering.IsFaulted, $"{Name} cannot register: {_registering.Exception?.Message}");
        var counters = _responder.Counters;
        if (counters.Waiting > 0 && Process.Scheduler.IsEmpty && _ending.IsCompleted)
        {
            Assert.True(
                counters.Running == _options.MaximumConcurrency,
                $"{counters.Waiting} requests wait in {Name} although only {counters.Running} run.");
        }

        Assert.False(_ending.IsFaulted, $"{Name} cannot end a registration: {_ending.Exception?.Message}");
    }

    public void CheckEnd()
    {
        var counters = _responder.Counters;
        Assert.Equal((0, 0), (counters.Running, counters.Waiting));
        Assert.True(_world.IsFree(Client), $"{Name} and the broker hold something for each other at the end.");
    }

    private async Task<Registration> RegisterAgainAsync(Task ended)
    {
        await ended;
        return await RegisterAsync();
    }

    private Task<Registration> RegisterAsync()
    {
        var options = new RespondOptions { ShareName = _share };
        return _world.Chance.Happens(0.4)
            ? _responder.RespondAsync(_topic, request => Answer(request, Begin(request)), options)
            : _responder.RespondAsync(_topic, AnswerAsync, options);
    }

    private int Begin(Request request)
    {
        _world.Thread.Check();
        var number = int.Parse(request.Text, CultureInfo.InvariantCulture);
        _world.Trace.Add(request.IsRedelivery ? "runs again" : "runs", Name, number);
        _ledger.Ran(number, this);
        return number;
    }

    private Reply Answer(Request request, int number) => _world.Chance.Index(12) switch
    {
        0 => throw new InvalidOperationException("The handler has a bad day."),
        1 => throw new ReplyException(404, "There is no such thing."),
        2 or 3 => request.Text.PadRight(_world.Chance.Between(1, 20_000)),
        _ => request.Text,
    };

    private async Task<Reply> AnswerAsync(Request request)
    {
        var number = Begin(request);
        _running++;
        try
        {
            var time = _world.Chance.Duration(TimeSpan.FromSeconds(4));

            // Not the token of Task.Delay itself, which goes to the thread pool when it is cancelled.
            await Task.Delay(time, Process.Clock)
                .WaitAsync(_world.Chance.Happens(0.5) ? request.CancellationToken : CancellationToken.None);
            return Answer(request, number);
        }
        finally
        {
            _running--;
        }
    }
}
