namespace Antiphon.Client.Connections;

/// <summary>
/// How long to wait before the next try: doubling from the first delay to the longest,
/// half of it left to chance so that many clients do not come back at once.
/// </summary>
internal sealed class ReconnectSchedule(TimeSpan first, TimeSpan longest, Random random)
{
    private int _failures;

    /// <summary>The wait before the next try.</summary>
    /// <param name="connectedFor">
    /// How long the connection held that has just ended; zero if there was none.
    /// One that outlived the wait which is now due counts as healthy.
    /// </param>
    public TimeSpan Next(TimeSpan connectedFor)
    {
        if (connectedFor > TimeSpan.Zero && connectedFor >= Due())
        {
            _failures = 0;
        }

        var due = Due();
        _failures++;
        return due * (0.5 + (0.5 * random.NextDouble()));
    }

    private TimeSpan Due()
    {
        var ticks = first.Ticks * Math.Pow(2, Math.Min(_failures, 62));
        return ticks < longest.Ticks ? TimeSpan.FromTicks((long)ticks) : longest;
    }
}
