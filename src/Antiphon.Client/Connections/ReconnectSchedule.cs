namespace Antiphon.Client.Connections;

/// <summary>
/// How long to wait before the next try: doubling from the first delay to the longest,
/// half of it left to chance so that many clients do not come back at once.
/// It starts anew after a connection that was accepted and lasted.
/// </summary>
internal sealed class ReconnectSchedule(TimeSpan first, TimeSpan longest, Random random)
{
    /// <summary>A connection that was accepted and held for so long was a good one, however short the next ones are.</summary>
    public static readonly TimeSpan Lasting = TimeSpan.FromSeconds(5);

    private int _failures;

    /// <summary>The wait before the next try.</summary>
    /// <param name="connectedFor">How long the connection held that has just ended; zero if there was none.</param>
    public TimeSpan Next(TimeSpan connectedFor)
    {
        var due = Due();
        if (connectedFor > TimeSpan.Zero && connectedFor >= (due < Lasting ? due : Lasting))
        {
            _failures = 0;
            due = Due();
        }

        _failures++;
        return due * (0.5 + (0.5 * random.NextDouble()));
    }

    private TimeSpan Due()
    {
        var ticks = first.Ticks * Math.Pow(2, Math.Min(_failures, 62));
        return ticks < longest.Ticks ? TimeSpan.FromTicks((long)ticks) : longest;
    }
}
