using System.Globalization;
using Antiphon.Cli.Output;
using Antiphon.Client;
using Antiphon.Protocol;

namespace Antiphon.Cli.Publishing;

/// <summary>Publishes each line of the standard input as a message of its own, in their order; empty lines are left out.</summary>
internal sealed class LinePublishing(MqttClient client, ApplicationMessage message, Terminal terminal, TimeProvider time)
{
    // So many may wait for their acknowledgement: a round trip for each would be slow, and a whole file at once takes memory.
    private const int MaximumOutstanding = 256;

    private static readonly TimeSpan ProgressPeriod = TimeSpan.FromSeconds(1);

    private readonly Queue<Task<PublishResult>> _outstanding = new();
    private long _progressAt = time.GetTimestamp();
    private int _published;
    private int _unmatched;

    /// <summary>Publishes until the input ends; what has been read is acknowledged then, unless a message failed.</summary>
    public async Task RunAsync(Stream input, CancellationToken cancellationToken)
    {
        var lines = new InputLines(input);
        try
        {
            while (await lines.ReadAsync(cancellationToken) is { } line)
            {
                if (line.Length == 0)
                {
                    continue;
                }

                if (_outstanding.Count == MaximumOutstanding)
                {
                    await AwaitOldestAsync();
                }

                _outstanding.Enqueue(client.PublishAsync(message with { Payload = line }, cancellationToken).AsTask());
                while (_outstanding.TryPeek(out var oldest) && oldest.IsCompleted)
                {
                    await AwaitOldestAsync();
                }
            }

            while (_outstanding.Count > 0)
            {
                await AwaitOldestAsync();
            }
        }
        finally
        {
            terminal.Progress("");

            // The first failure is told; those behind it have the same cause.
            _ = Task.WhenAll(_outstanding).ContinueWith(
                ended => ended.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
        }

        if (_unmatched > 0)
        {
            terminal.Note(string.Create(
                CultureInfo.InvariantCulture,
                $"Published, but for {_unmatched} of {_published} messages nobody was subscribed to {message.Topic} "
                + $"(0x10 No matching subscribers)."));
        }
    }

    private async Task AwaitOldestAsync()
    {
        var result = await _outstanding.Dequeue();
        _published++;
        _unmatched += result.NoMatchingSubscribers ? 1 : 0;
        if (terminal.HasProgress && time.GetElapsedTime(_progressAt) >= ProgressPeriod)
        {
            _progressAt = time.GetTimestamp();
            terminal.Progress(string.Create(CultureInfo.InvariantCulture, $"{_published} published"));
        }
    }
}
