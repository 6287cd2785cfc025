using System.Globalization;

namespace Antiphon.Simulation;

/// <summary>
/// Which seeds a test runs: a fixed number of them; with <c>ANTIPHON_SIMULATION_SEED</c> that one alone,
/// with <c>ANTIPHON_SIMULATION_SEEDS</c> so many, with <c>ANTIPHON_SIMULATION_HOURS</c> others than ever before until the time is up.
/// </summary>
internal static class Seeds
{
    /// <summary>Whether the environment asks for one seed alone.</summary>
    public static bool IsOne => Read("ANTIPHON_SIMULATION_SEED") is not null;

    /// <summary>The seeds of one test, from 1 on unless the environment says otherwise.</summary>
    /// <param name="count">How many there are unless the environment says otherwise.</param>
    public static IEnumerable<int> UpTo(int count)
    {
        if (Read("ANTIPHON_SIMULATION_SEED") is { } seed)
        {
            return [(int)seed];
        }

        return Read("ANTIPHON_SIMULATION_HOURS") is { } hours
            ? Until(TimeSpan.FromHours(hours))
            : Enumerable.Range(1, (int)(Read("ANTIPHON_SIMULATION_SEEDS") ?? count));
    }

    private static IEnumerable<int> Until(TimeSpan time)
    {
        var start = TimeProvider.System.GetTimestamp();
        var seed = new Random().Next();
        var runs = 0;
        for (; TimeProvider.System.GetElapsedTime(start) < time; runs++)
        {
            yield return seed;
            seed = seed == int.MaxValue ? 1 : seed + 1;
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"{runs} runs, the last of them with the seed {seed - 1}.");
    }

    private static double? Read(string name) => Environment.GetEnvironmentVariable(name) is not { Length: > 0 } text ? null
        : double.TryParse(text, CultureInfo.InvariantCulture, out var number) && number > 0 ? number
        : throw new FormatException($"{name} is '{text}'; it has to be a number above 0.");
}
