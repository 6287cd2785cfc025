namespace Antiphon.Simulation.Calls;

/// <summary>A call that has been begun and has not ended.</summary>
/// <param name="Number">Its number, which is its payload too.</param>
/// <param name="Topic">Where it asks.</param>
/// <param name="BegunAt">When it was begun.</param>
/// <param name="Timeout">How long it may take.</param>
/// <param name="Task">Its end.</param>
/// <param name="Cancellation">Cancels it.</param>
internal sealed record PendingCall(
    int Number, string Topic, TimeSpan BegunAt, TimeSpan Timeout, ValueTask<Rpc.Response> Task, CancellationTokenSource Cancellation);
