namespace Antiphon.Simulation;

/// <summary>What has happened in a run: a hash of all of it, by which two runs are compared, and the last events in words.</summary>
internal sealed class Trace(TimeProvider clock)
{
    private const ulong Prime = 1_099_511_628_211;

    // Who repeats one seed wants to see all of it.
    private static readonly int Kept = Seeds.IsOne ? int.MaxValue : 60;

    private readonly Queue<Event> _last = new();

    /// <summary>How many events there were.</summary>
    public long Count { get; private set; }

    /// <summary>FNV-1a over all events.</summary>
    public ulong Hash { get; private set; } = 14_695_981_039_346_656_037;

    /// <summary>Something happened.</summary>
    /// <param name="what">In words, without anything that changes from run to run.</param>
    /// <param name="whom">What it happened to.</param>
    /// <param name="number">How much, or which.</param>
    public void Add(string what, string whom = "", long number = 0)
    {
        Count++;
        var at = clock.GetTimestamp();
        Mix((ulong)at);
        Mix(what);
        Mix(whom);
        Mix((ulong)number);
        if (_last.Count == Kept)
        {
            _last.Dequeue();
        }

        _last.Enqueue(new Event(at, what, whom, number));
    }

    public override string ToString() => string.Join(
        Environment.NewLine,
        _last.Select(one =>
            $"  {TimeSpan.FromTicks(one.At).TotalSeconds,10:0.000} s  {one.Whom} {one.What} {(one.Number == 0 ? "" : one.Number)}"));

    private void Mix(string text)
    {
        foreach (var character in text)
        {
            Mix(character);
        }
    }

    private void Mix(ulong value) => Hash = (Hash ^ value) * Prime;

    private readonly record struct Event(long At, string What, string Whom, long Number);
}
