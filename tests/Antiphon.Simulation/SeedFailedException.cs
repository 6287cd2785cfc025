namespace Antiphon.Simulation;

/// <summary>A run failed. Says by which seed to repeat it, and what had happened last.</summary>
#pragma warning disable CA1032, CA1064 // Only a run makes it, and nobody catches it.
internal sealed class SeedFailedException(int seed, Trace? trace, Exception cause)
    : Exception(
        $"Seed {seed}: {cause.Message}{Environment.NewLine}The last events:"
        + $"{Environment.NewLine}{trace}{Environment.NewLine}{cause.StackTrace}",
        cause);
#pragma warning restore CA1032, CA1064
