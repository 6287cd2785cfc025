using System.Diagnostics;

namespace Antiphon.Simulation.Running;

/// <summary>
/// Sees to it that everything runs on the one thread of the simulation.
/// Whatever gets away from it fails the run and says how it got away.
/// </summary>
internal sealed class SimulationThread
{
    private readonly int _id = Environment.CurrentManagedThreadId;
    private volatile string? _leak;

    /// <summary>Called wherever the parts of a run touch what the simulation has given them.</summary>
    public void Check()
    {
        if (Environment.CurrentManagedThreadId != _id)
        {
            var leak = $"Something runs on thread {Environment.CurrentManagedThreadId} and not on the simulation's, {_id}:"
                + $"{Environment.NewLine}{new StackTrace(fNeedFileInfo: true)}";
            _leak ??= leak;
            throw new InvalidOperationException(leak);
        }
    }

    /// <summary>Fails where something got away: the exception of <see cref="Check"/> may have been caught.</summary>
    public void ThrowIfLeft()
    {
        if (_leak is { } leak)
        {
            throw new InvalidOperationException(leak);
        }
    }
}
