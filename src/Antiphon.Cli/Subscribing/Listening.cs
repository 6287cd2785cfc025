using Antiphon.Cli.CommandLine;
using Antiphon.Cli.Output;
using Antiphon.Client;

namespace Antiphon.Cli.Subscribing;

/// <summary>
/// Receives from any number of subscriptions until enough messages have come, the user has had enough, or the client stops.
/// </summary>
internal sealed class Listening : IAsyncDisposable
{
    private readonly MqttClient _client;
    private readonly Action<ReceivedMessage> _print;
    private readonly int? _count;
    private readonly List<Subscription> _subscriptions = [];
    private readonly TaskCompletionSource<ExitCode> _end = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _lock = new();

    // Guarded by _lock: handlers of different subscriptions run at the same time.
    private int _printed;
    private bool _isOutputLost;

    public Listening(MqttClient client, Action<ReceivedMessage> print, int? count)
    {
        _client = client;
        _print = print;
        _count = count;
        client.StateChanged += OnStateChanged;
    }

    /// <summary>Which messages count and are printed.</summary>
    public required Predicate<ReceivedMessage> Wants { get; init; }

    /// <summary>Whether the broker keeps the subscriptions, and the messages beyond those that were asked for.</summary>
    public required bool KeepsSession { get; init; }

    /// <summary>Fires when messages can no longer be printed.</summary>
    public required CancellationToken OutputLost { get; init; }

    /// <summary>How many have been printed so far.</summary>
    public int Printed
    {
        get
        {
            lock (_lock)
            {
                return _printed;
            }
        }
    }

    public async Task SubscribeAsync(string filter, SubscribeOptions options, CancellationToken cancellationToken) =>
        _subscriptions.Add(await _client.SubscribeAsync(filter, OnMessageAsync, options, cancellationToken));

    /// <summary>Waits for the end. Ctrl-C is the ordinary one unless a number of messages was asked for.</summary>
    /// <param name="timeIsUp">Ends it too; a failure if more messages were asked for than have come.</param>
    /// <param name="interrupted">Ctrl-C.</param>
    public async Task<ExitCode> EndAsync(CancellationToken timeIsUp, CancellationToken interrupted)
    {
        using var waiting = timeIsUp.Register(() => _end.TrySetResult(_count is null ? ExitCode.Success : ExitCode.Timeout));
        using var registration = interrupted.Register(() => _end.TrySetResult(_count is null ? ExitCode.Success : ExitCode.Interrupted));
        return await _end.Task;
    }

    public async ValueTask DisposeAsync()
    {
        _client.StateChanged -= OnStateChanged;
        try
        {
            foreach (var subscription in KeepsSession ? [] : _subscriptions)
            {
                await subscription.DisposeAsync().AsTask().WaitAsync(OutputLost);
            }
        }
        catch (OperationCanceledException) when (OutputLost.IsCancellationRequested)
        {
            // A subscription waits for its handlers, and one that could not print waits for the client to stop.
        }
    }

    private ValueTask OnMessageAsync(ReceivedMessage message, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            if (_isOutputLost || (KeepsSession && _count is not null && _printed >= _count))
            {
                return LeaveUnacknowledgedAsync(cancellationToken);
            }

            if (Wants(message) && (_count is null || _printed < _count))
            {
                try
                {
                    _print(message);
                }
                catch (OutputLostException)
                {
                    _isOutputLost = true;
                    return LeaveUnacknowledgedAsync(cancellationToken);
                }

                if (++_printed == _count)
                {
                    _end.TrySetResult(ExitCode.Success);
                }
            }
        }

        return ValueTask.CompletedTask;
    }

    // It is there next time, if the Session is.
    private static ValueTask LeaveUnacknowledgedAsync(CancellationToken stopping) =>
        new(new TaskCompletionSource().Task.WaitAsync(stopping));

    private void OnStateChanged(object? sender, ConnectionStateChange change)
    {
        if (change is { State: ConnectionState.Stopped, Exception: { } reason })
        {
            _end.TrySetException(reason);
        }
    }
}
