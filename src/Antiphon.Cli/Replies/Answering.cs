using Antiphon.Cli.CommandLine;
using Antiphon.Cli.Output;
using Antiphon.Client;
using Antiphon.Rpc;

namespace Antiphon.Cli.Replies;

/// <summary>Answers requests and prints them, until enough have come, the user has had enough, or the client stops.</summary>
internal sealed class Answering(MqttClient client, IAnswer answer, Terminal terminal, TimeProvider time)
{
    private readonly TaskCompletionSource<ExitCode> _end = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _answered;

    public required TimeSpan Delay { get; init; }

    public required int? Count { get; init; }

    public required bool AsJson { get; init; }

    public async Task<ExitCode> RunAsync(Responder responder, string filter, RespondOptions options, CancellationToken interrupted)
    {
        client.StateChanged += OnStateChanged;
        await using var answering = await responder.RespondAsync(filter, AnswerAsync, options, interrupted);
        terminal.Note($"answering {filter}");
        using var registration = interrupted.Register(() => _end.TrySetResult(Count is null ? ExitCode.Success : ExitCode.Interrupted));
        return await _end.Task;
    }

    private async Task<Reply> AnswerAsync(Request request)
    {
        if (AsJson)
        {
            terminal.Json(RequestLine.From(request), JsonLines.Instance.RequestLine);
        }
        else
        {
            terminal.Data(request.Payload.Span);
        }

        try
        {
            if (Delay > TimeSpan.Zero)
            {
                await Task.Delay(Delay, time, request.CancellationToken);
            }

            return await answer.ToAsync(request);
        }
        finally
        {
            // The registration is drained when RunAsync leaves, so that this answer still goes out.
            if (Interlocked.Increment(ref _answered) == Count)
            {
                _end.TrySetResult(ExitCode.Success);
            }
        }
    }

    private void OnStateChanged(object? sender, ConnectionStateChange change)
    {
        if (change is { State: ConnectionState.Stopped, Exception: { } reason })
        {
            _end.TrySetException(reason);
        }
    }
}
