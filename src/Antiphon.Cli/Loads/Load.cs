using System.Globalization;
using Antiphon.Cli.CommandLine;
using Antiphon.Cli.Output;

namespace Antiphon.Cli.Loads;

/// <summary>
/// Does one thing again and again, from so many workers at once, until the time is up; counts, and shows at a terminal how it goes.
/// </summary>
internal sealed class Load(Terminal terminal, TimeProvider time)
{
    private readonly Lock _lock = new();

    // Guarded by _lock.
    private readonly SortedDictionary<string, int> _failures = new(StringComparer.Ordinal);
    private ExitCode _exitCode = ExitCode.Success;

    /// <summary>How long each took. An operation adds its own, for some are done more than once by it.</summary>
    public ResponseTimes Times { get; } = new();

    public IReadOnlyDictionary<string, int> Failures => _failures;

    /// <summary>Runs, and returns how long it took and the exit code of the first failure.</summary>
    /// <param name="workers">How many at once; each has its number from 0 on.</param>
    /// <param name="duration">For how long operations are begun.</param>
    /// <param name="operation">
    /// What to do. When the time is up, what is under way still comes to its own end; its token is the interruption.
    /// </param>
    /// <param name="interrupted">Ends it early.</param>
    public async Task<(TimeSpan Elapsed, ExitCode ExitCode)> RunAsync(
        int workers, TimeSpan duration, Func<int, CancellationToken, Task> operation, CancellationToken interrupted)
    {
        var started = time.GetTimestamp();
        using var timeIsUp = new CancellationTokenSource(duration, time);
        using var end = CancellationTokenSource.CreateLinkedTokenSource(timeIsUp.Token, interrupted);
        var running = Task.WhenAll(
            Enumerable.Range(0, workers).Select(
                worker => Task.Run(() => WorkAsync(worker, operation, end.Token, interrupted), CancellationToken.None)));
        if (terminal.HasProgress)
        {
            await ProgressLine.ShowAsync(running, Describe(started), terminal, time);
        }

        await running;
        return (time.GetElapsedTime(started), interrupted.IsCancellationRequested ? ExitCode.Interrupted : _exitCode);
    }

    private async Task WorkAsync(
        int worker, Func<int, CancellationToken, Task> operation, CancellationToken end, CancellationToken interrupted)
    {
        while (!end.IsCancellationRequested)
        {
            try
            {
                // What is under way when the time is up may still come to its own end.
                await operation(worker, interrupted);
            }
            catch (OperationCanceledException) when (interrupted.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                Count(Failure.From(e, interrupted));
            }
        }
    }

    private void Count(Failure failure)
    {
        var isFirst = false;
        lock (_lock)
        {
            isFirst = _failures.TryAdd(failure.Name, 0);
            _failures[failure.Name]++;
            _exitCode = _exitCode == ExitCode.Success ? failure.ExitCode : _exitCode;
        }

        if (isFirst)
        {
            terminal.Complain(failure.Sentence);
        }
    }

    private Func<string> Describe(long started)
    {
        var before = 0;
        return () =>
        {
            var now = Times.Count;
            var text = string.Create(
                CultureInfo.InvariantCulture,
                $"{time.GetElapsedTime(started).TotalSeconds:0} s: {now} done, {now - before} in the last second");
            before = now;
            return text;
        };
    }
}
