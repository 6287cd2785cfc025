using System.Globalization;
using Antiphon.Client;
using Antiphon.Rpc;
using Antiphon.Simulation.Ends;
using Antiphon.Simulation.Network;

namespace Antiphon.Simulation.Calls;

/// <summary>One program that asks and one that answers, while a test interrupts their connections; the Sessions are kept.</summary>
internal sealed class Interruption
{
    public const string Topic = "t";

    private readonly Requester _requester;
    private readonly Responder _responder;
    private readonly List<TaskCompletionSource> _kept = [];
    private Task _stopping = Task.CompletedTask;

    /// <summary>Starts both, and makes one call, so that the requester has its subscription.</summary>
    /// <param name="world">Where.</param>
    /// <param name="responder">How to answer.</param>
    /// <param name="answeringSession">How long the Session of the program that answers is kept.</param>
    public Interruption(World world, ResponderOptions? responder = null, TimeSpan? answeringSession = null)
    {
        World = world;
        Asking = world.StartProcess("asking");
        Answering = world.StartProcess("answering");
        var session = TimeSpan.FromMinutes(5);
        AskingClient = MqttClient.Start(Patient(Asking.Options, session));
        AnsweringClient = MqttClient.Start(Patient(Answering.Options, answeringSession ?? session));
        _requester = new Requester(AskingClient, new RequesterOptions { TimeProvider = Asking.Clock });
        _responder = new Responder(AnsweringClient, (responder ?? new ResponderOptions()) with { TimeProvider = Answering.Clock });
        var registering = _responder.RespondAsync(Topic, AnswerAsync);
        world.Until(() => registering.IsCompletedSuccessfully, "the responder is registered");
        var first = Call(0, TimeSpan.FromMinutes(5));
        world.Until(() => first.IsCompleted && world.IsFree(AskingClient), "a call is answered");
        Runs.Clear();
    }

    public World World { get; }

    public SimulatedProcess Asking { get; }

    public SimulatedProcess Answering { get; }

    public MqttClient AskingClient { get; }

    public MqttClient AnsweringClient { get; }

    /// <summary>The connection of the program that asks.</summary>
    public Link Link => World.Network.LinkOf(Asking);

    public ResponderCounters Responder => _responder.Counters;

    /// <summary>How often each request was run.</summary>
    public Dictionary<int, int> Runs { get; } = [];

    /// <summary>Whether handlers keep what they run until <see cref="LetGo"/>.</summary>
    public bool Keeps { get; set; }

    /// <summary>How long answers are, at least: blanks follow.</summary>
    public int AnswerLength { get; set; }

    /// <summary>Handlers end that have been kept, and no more are kept.</summary>
    public void LetGo()
    {
        Keeps = false;
        _kept.ForEach(static kept => kept.TrySetResult());
    }

    public InterruptedCall Call(int number, TimeSpan timeout) => new(
        _requester.RequestAsync(Topic, number.ToString(CultureInfo.InvariantCulture), new RequestOptions { Timeout = timeout }));

    /// <summary>The requester is disposed of.</summary>
    public void StopAsking() => _stopping = _requester.DisposeAsync().AsTask();

    /// <summary>The program that answers dies.</summary>
    public void StopAnswering() => World.Kill(Answering);

    /// <summary>The program that asks is cut off, loses what is on its way, and comes back.</summary>
    public void Interrupt(TimeSpan time)
    {
        World.Network.Refusals = 1;
        Link.Lose();
        World.Pass(time);
        World.Network.Refusals = 0;
        World.Until(() => AskingClient.State == ConnectionState.Connected, "the client has reconnected");
    }

    /// <summary>All that is on its way arrives, and all calls end.</summary>
    public void Settle()
    {
        World.Until(
            () => World.IsFree(AskingClient) && World.IsFree(AnsweringClient)
                && _requester.Counters.Pending == 0 && _stopping.IsCompletedSuccessfully,
            "everything settles");
        World.Pass(TimeSpan.FromSeconds(20));
    }

    private static MqttClientOptions Patient(MqttClientOptions options, TimeSpan session) => options with
    {
        SessionExpiry = session,
        KeepAlive = TimeSpan.FromSeconds(10),
        ReconnectDelay = TimeSpan.FromMilliseconds(50),
        MaximumReconnectDelay = TimeSpan.FromMilliseconds(100),
    };

    private async Task<Reply> AnswerAsync(Request request)
    {
        var number = int.Parse(request.Text, CultureInfo.InvariantCulture);
        World.Trace.Add("runs", Answering.Name, number);
        Runs[number] = Runs.GetValueOrDefault(number) + 1;
        if (Keeps)
        {
            var kept = new TaskCompletionSource();
            _kept.Add(kept);
            await kept.Task;
        }

        return request.Text.PadRight(AnswerLength);
    }
}

/// <summary>A call that is looked at and never awaited: what awaits it would go on on the thread pool.</summary>
internal sealed class InterruptedCall(ValueTask<Response> response)
{
    private Exception? _failure;
    private bool _isRead;

    public bool IsCompleted => _isRead || response.IsCompleted;

    /// <summary>How it failed; <c>null</c>: it was answered.</summary>
    public Exception? Failure
    {
        get
        {
            Assert.True(IsCompleted, "A call has not ended.");
            if (!_isRead)
            {
                _isRead = true;
                _failure = Record.Exception(() => { response.GetAwaiter().GetResult(); });
            }

            return _failure;
        }
    }
}
