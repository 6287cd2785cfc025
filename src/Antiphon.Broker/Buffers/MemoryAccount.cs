namespace Antiphon.Broker.Buffers;

/// <summary>
/// The one account of what messages and buffers of all clients take in the process's memory, in true bytes:
/// what a message costs beside its payload, what its place in a queue or in a window costs, what an array costs beside its content.
/// Its bound is <see cref="BrokerOptions.MaximumBufferBytes"/>. Owned by the engine's thread.
/// </summary>
/// <remarks>What Sessions, subscriptions, Wills and aliases take, and what is retained, have accounts and bounds of their own.</remarks>
internal sealed class MemoryAccount
{
    /// <summary>What an array takes beside its elements, in bytes.</summary>
    public const int ArrayOverhead = 24;

    public long Bytes { get; private set; }

    /// <summary>So many bytes more are taken; fewer, where it is negative.</summary>
    public void Add(long bytes) => Bytes += bytes;
}
