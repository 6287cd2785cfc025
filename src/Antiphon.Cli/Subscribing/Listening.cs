using Antiphon.Cli.CommandLine;
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

    public async Task SubscribeAsync(string filter, SubscribeOptions options, CancellationToken cancellationToken) =>
        _subscriptions.Add(await _client.SubscribeAsync(filter, OnMessageAsync, options, cancellationToken));

    /// <summary>Waits for the end. Ctrl-C is the ordinary one unless a number of messages was asked for.</summary>
    public async Task<ExitCode> EndAsync(CancellationToken interrupted)
    {
        using var registration = interrupted.Register(() => _end.TrySetResult(_count is null ? ExitCode.Success : ExitCode.Interrupted));
        return await _end.Task;
    }

    public async ValueTask DisposeAsync()
    {
        _client.StateChanged -= OnStateChanged;
        foreach (var subscription in KeepsSession ? [] : _subscriptions)
        {
            await subscription.DisposeAsync();
        }
    }

    private ValueTask OnMessageAsync(ReceivedMessage message, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            if (KeepsSession && _count is not null && _printed >= _count)
            {
                // Unacknowledged, it is there next time.
                return new ValueTask(new TaskCompletionSource().Task.WaitAsync(cancellationToken));
            }

            if (Wants(message) && (_count is null || _printed < _count))
            {
                _print(message);
                if (++_printed == _count)
                {
                    _end.TrySetResult(ExitCode.Success);
                }
            }
        }

        return ValueTask.CompletedTask;
    }

    private void OnStateChanged(object? sender, ConnectionStateChange change)
    {
        if (change is { State: ConnectionState.Stopped, Exception: { } reason })
        {
            _end.TrySetException(reason);
        }
    }
}
