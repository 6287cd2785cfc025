namespace Antiphon.Cli.Output;

/// <summary>A line at the terminal that says once a second how far a long run is.</summary>
internal static class ProgressLine
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(1);

    /// <summary>Shows the line until the run has ended, and takes it away then.</summary>
    /// <param name="running">The run; how it ends is its caller's.</param>
    /// <param name="describe">Says how far it is.</param>
    /// <param name="terminal">Where to.</param>
    /// <param name="time">The clock.</param>
    public static async Task ShowAsync(Task running, Func<string> describe, Terminal terminal, TimeProvider time)
    {
        using var timer = new PeriodicTimer(Period, time);
        while (true)
        {
            var tick = timer.WaitForNextTickAsync(CancellationToken.None).AsTask();
            if (await Task.WhenAny(tick, running) == running)
            {
                terminal.Progress("");
                return;
            }

            terminal.Progress(describe());
        }
    }
}
