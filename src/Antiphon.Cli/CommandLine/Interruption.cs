using System.Runtime.InteropServices;

namespace Antiphon.Cli.CommandLine;

/// <summary>Ctrl-C and SIGTERM: the first asks the command to end in good order, the second ends the program at once.</summary>
internal sealed class Interruption : IDisposable
{
    private readonly CancellationTokenSource _requested = new();
    private readonly PosixSignalRegistration _interrupt;
    private readonly PosixSignalRegistration _terminate;

    public Interruption()
    {
        _interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, OnSignal);
        _terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, OnSignal);
    }

    public CancellationToken Token => _requested.Token;

    /// <summary>Completes with the interruption, which is no failure.</summary>
    public static async Task AwaitAsync(CancellationToken interrupted)
    {
        var end = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var registration = interrupted.Register(end.SetResult);
        await end.Task;
    }

    public void Dispose()
    {
        _interrupt.Dispose();
        _terminate.Dispose();
        _requested.Dispose();
    }

    private void OnSignal(PosixSignalContext signal)
    {
        // Not cancelling the second one leaves it to its default action, which ends the process.
        signal.Cancel = !_requested.IsCancellationRequested;
        _requested.Cancel();
    }
}
