using System.Runtime.InteropServices;

namespace Antiphon.Broker.Transport;

/// <summary>
/// How many file descriptors the process may open (<c>ulimit -n</c>), and how many of them are left for connections,
/// each of which takes one. Only Linux is asked; elsewhere nothing is known.
/// </summary>
/// <param name="Maximum">The descriptors that the process may have, 0 to this number less one.</param>
/// <param name="InUse">How many it has.</param>
internal sealed partial record DescriptorLimit(long Maximum, int InUse)
{
    /// <summary>
    /// Descriptors that no connection gets: a program that cannot open a file any more fails in unforeseen places.
    /// The runtime takes two for each thread, and ends the process where it cannot start one; it starts some for each processor.
    /// </summary>
    public static readonly int Reserve = 16 + (2 * Environment.ProcessorCount);

    /// <summary>A broker with room for fewer connections does not start.</summary>
    public const int FewestConnections = 16;

    private const int RLIMIT_NOFILE = 7;
    private const string OpenDescriptors = "/proc/self/fd";

    /// <summary>How many connections there is room for.</summary>
    public long Room => Math.Max(0, Maximum - InUse - Reserve);

    /// <summary>Raises the process's limit as far as it may be raised.</summary>
    /// <returns>The limit; <c>null</c>: the system does not tell it.</returns>
    public static DescriptorLimit? Raise()
    {
        if (!OperatingSystem.IsLinux() || GetLimit(RLIMIT_NOFILE, out var limit) != 0)
        {
            return null;
        }

        if (limit.Current < limit.Highest)
        {
            var raised = limit with { Current = limit.Highest };
            limit = SetLimit(RLIMIT_NOFILE, raised) == 0 ? raised : limit;
        }

        var inUse = Directory.Exists(OpenDescriptors) ? Directory.EnumerateFileSystemEntries(OpenDescriptors).Count() : 0;
        return new DescriptorLimit((long)Math.Min(limit.Current, int.MaxValue), inUse);
    }

    /// <summary>
    /// Whether a descriptor is one of the <see cref="Reserve"/>. The system gives the lowest that is free, so all below it are taken.
    /// </summary>
    public bool IsReserved(nint descriptor) => descriptor >= Maximum - Reserve;

    /// <summary>Refuses a limit that leaves no room for a broker.</summary>
    /// <exception cref="BrokerStartException">There is room for fewer than <see cref="FewestConnections"/>.</exception>
    public void ThrowIfTooLow()
    {
        if (Room < FewestConnections)
        {
            throw new BrokerStartException(
                $"The process may open {Maximum} file descriptors, and has {InUse} open; that leaves room for {Room} connections. "
                    + $"Raise the limit (ulimit -n) to {InUse + Reserve + FewestConnections} or more; "
                    + "1024 is usual, and each client takes one.");
        }
    }

    [LibraryImport("libc", EntryPoint = "getrlimit")]
    private static partial int GetLimit(int resource, out ResourceLimit limit);

    [LibraryImport("libc", EntryPoint = "setrlimit")]
    private static partial int SetLimit(int resource, in ResourceLimit limit);

    /// <summary><c>struct rlimit</c>.</summary>
    private record struct ResourceLimit(nuint Current, nuint Highest);
}
