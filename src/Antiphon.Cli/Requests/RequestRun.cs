using System.Globalization;
using Antiphon.Cli.CommandLine;
using Antiphon.Cli.Output;
using Antiphon.Rpc;

namespace Antiphon.Cli.Requests;

/// <summary>Sends the requests of one command line, so many at a time, and keeps count of what became of them.</summary>
internal sealed class RequestRun(Requester requester, RequestSettings settings, IRequestReport report, Terminal terminal, TimeProvider time)
{
    private readonly RequestOptions _options = new()
    {
        Timeout = settings.Timeout,
        QoS = settings.QoS,
        PayloadIsUtf8 = settings.Payload.IsText ? true : null,
        ContentType = settings.ContentType,
        UserProperties = settings.UserProperties,
    };

    private readonly Summary _summary = new();

    /// <summary>Runs to the end, whatever becomes of single requests; the exit code is that of the first failure.</summary>
    public async Task<ExitCode> RunAsync(CancellationToken interrupted)
    {
        var started = time.GetTimestamp();
        var first = ExitCode.Success;
        try
        {
            var bounds = new ParallelOptions { MaxDegreeOfParallelism = settings.Concurrency, CancellationToken = interrupted };
            var running = Parallel.ForEachAsync(Enumerable.Range(0, settings.Count ?? 1), bounds, async (index, cancellationToken) =>
            {
                if (settings.Rate is { } rate && TimeSpan.FromSeconds(index / rate) - time.GetElapsedTime(started) is { Ticks: > 0 } early)
                {
                    await Task.Delay(early, time, interrupted);
                }

                var exitCode = settings.Replies is { } replies
                    ? await GatherAsync(replies, interrupted)
                    : await RequestAsync(interrupted);
                if (exitCode != ExitCode.Success)
                {
                    // Only the first replaces Success.
                    Interlocked.CompareExchange(ref first, exitCode, ExitCode.Success);
                }
            });
            if (settings.Count is { } count && terminal.HasProgressBesideData)
            {
                await ProgressLine.ShowAsync(running, () => _summary.DescribeProgress(count, time.GetElapsedTime(started)), terminal, time);
            }

            await running;
        }
        catch (OperationCanceledException) when (interrupted.IsCancellationRequested)
        {
            first = ExitCode.Interrupted;
            if (terminal.Failure is null)
            {
                terminal.Complain("Interrupted.");
            }
        }

        if (settings.Count is not null && terminal.Failure is null)
        {
            terminal.Note(_summary.Describe(time.GetElapsedTime(started), settings.Latency));
        }

        return first;
    }

    private async Task<ExitCode> RequestAsync(CancellationToken interrupted)
    {
        try
        {
            var response = await requester.RequestAsync(settings.Topic, settings.Payload.Bytes, _options, interrupted);
            Answered(response);
            return ExitCode.Success;
        }
        catch (Exception e) when (e is not (OperationCanceledException or OutputLostException))
        {
            return Fail(e, interrupted);
        }
    }

    private async Task<ExitCode> GatherAsync(int replies, CancellationToken interrupted)
    {
        var gathered = 0;
        var exitCode = ExitCode.Success;
        try
        {
            await foreach (
                var response in requester.GatherAsync(
                    settings.Topic, settings.Payload.Bytes, new GatherOptions { Replies = replies, Request = _options }, interrupted))
            {
                gathered++;
                if (response.IsSuccess)
                {
                    Answered(response);
                }
                else
                {
                    var failure = Failure.From(response);
                    _summary.Failed(failure.Name);
                    report.Failed(response, failure);
                    exitCode = failure.ExitCode;
                }
            }
        }
        catch (Exception e) when (e is not (OperationCanceledException or OutputLostException))
        {
            return Fail(e, interrupted);
        }

        if (gathered >= replies)
        {
            return exitCode;
        }

        terminal.Complain(
            $"{gathered} of {replies} replies came from «{settings.Topic}» within {settings.Timeout.TotalSeconds:0.###} s. "
            + "Raise --timeout, or ask for fewer --replies.");
        _summary.Failed("fewer-replies");
        return ExitCode.FewerReplies;
    }

    private void Answered(Response response)
    {
        _summary.Answered(response.Elapsed);
        report.Answered(response);
        if (settings.Latency)
        {
            terminal.Note(string.Create(CultureInfo.InvariantCulture, $"{response.Elapsed.TotalMilliseconds:0.00} ms"));
        }
    }

    private ExitCode Fail(Exception exception, CancellationToken interrupted)
    {
        var failure = Failure.From(exception, interrupted);
        _summary.Failed(failure.Name);
        report.Failed(settings.Topic, failure, exception);
        return failure.ExitCode;
    }
}
