namespace Antiphon.Simulation;

/// <summary>All that is left to chance in a run. The same seed makes the same choices.</summary>
internal sealed class Chance(int seed)
{
    private readonly Random _random = new(seed);

    /// <summary>Whether something happens that does so with this probability, 0 to 1.</summary>
    public bool Happens(double probability) => _random.NextDouble() < probability;

    /// <summary>One of so many, from 0 on.</summary>
    public int Index(int count) => _random.Next(count);

    /// <summary>A number from the first to the last, both included.</summary>
    public int Between(int first, int last) => _random.Next(first, last + 1);

    public T Of<T>(IReadOnlyList<T> things) => things[_random.Next(things.Count)];

    /// <summary>A duration up to the longest, to the millisecond; short ones are as likely as long ones.</summary>
    public TimeSpan Duration(TimeSpan longest) =>
        TimeSpan.FromMilliseconds(Math.Floor(Math.Pow(longest.TotalMilliseconds + 1, _random.NextDouble())));

    /// <summary>How much of something that can be had in parts: most often all of it.</summary>
    public int Part(int whole) => Happens(0.6) ? whole : Between(1, whole);

    public void Fill(Span<byte> bytes) => _random.NextBytes(bytes);

    /// <summary>A source for a part of the run that draws its own numbers.</summary>
    public Random Branch() => new(_random.Next());
}
