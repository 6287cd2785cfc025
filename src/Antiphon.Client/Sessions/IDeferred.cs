namespace Antiphon.Client.Sessions;

/// <summary>
/// Work that was found under the gate of <see cref="ClientSession"/> and must not be done there:
/// it completes a caller's task, or queues a handler.
/// </summary>
internal interface IDeferred
{
    /// <summary>Does it, on the thread that has left the gate. What it finds of another version it leaves alone. Must not throw.</summary>
    /// <param name="version">The number that it was put off with.</param>
    void Run(uint version);
}
