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

    /// <summary>How a payload is printed; <c>null</c>: the request as a line of JSON.</summary>
    public required Func<ReadOnlyMemory<byte>, byte[]>? Format { get; init; }

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
        Print(request);
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

    private void Print(Request request)
    {
        try
        {
            if (Format is null)
            {
                terminal.Json(RequestLine.From(request), JsonLines.Instance.RequestLine);
            }
            else
            {
                terminal.Data(Format(request.Payload));
            }
        }
        catch (OutputLostException)
        {
            // The command ends because of it; nobody is to wait for a responder that has not begun.
            throw new ReplyException(503, "The responder is shutting down.");
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
