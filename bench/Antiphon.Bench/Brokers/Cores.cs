using System.Globalization;
using System.Runtime.InteropServices;
using Antiphon.Bench.Load;

namespace Antiphon.Bench.Brokers;

/// <summary>Which core the brokers run on, and which the load generator.</summary>
internal sealed class Cores
{
    private Cores(int broker, int load)
    {
        Broker = broker;
        Load = load;
    }

    public int Broker { get; }

    public int Load { get; }

    /// <summary>Whether they run on different cores.</summary>
    public bool AreDifferent => Broker != Load;

    /// <summary>Chooses the cores and puts this process, all its threads, on the load's.</summary>
    public static Cores Take(int? broker, int? load)
    {
        var first = broker ?? 0;
        var cores = new Cores(first, load ?? Other(first));
        foreach (var thread in Directory.EnumerateDirectories("/proc/self/task"))
        {
            Pin(int.Parse(Path.GetFileName(thread), CultureInfo.InvariantCulture), cores.Load);
        }

        return cores;
    }

    /// <summary>Does something on the brokers' core.</summary>
    public void OnBrokerCore(Action action)
    {
        Pin(0, Broker);
        try
        {
            action();
        }
        finally
        {
            Pin(0, Load);
        }
    }

    /// <summary>
    /// The first processor on another core than the given one. If there is none: another thread of the same core, else the given one.
    /// </summary>
    private static int Other(int cpu)
    {
        var siblings = new List<int> { cpu };
        var file = $"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list";
        if (File.Exists(file))
        {
            foreach (var range in File.ReadAllText(file).Trim().Split(','))
            {
                var ends = range.Split('-').Select(end => int.Parse(end, CultureInfo.InvariantCulture)).ToArray();
                siblings.AddRange(Enumerable.Range(ends[0], ends[^1] - ends[0] + 1));
            }
        }

        var others = Enumerable.Range(0, Environment.ProcessorCount).Where(other => other != cpu).ToArray();
        return others.Except(siblings).Concat(others).Append(cpu).First();
    }

    private static unsafe void Pin(int thread, int cpu)
    {
        const int Words = 16;
        var mask = stackalloc ulong[Words];
        new Span<ulong>(mask, Words).Clear();
        mask[cpu / 64] = 1UL << (cpu % 64);
        if (LoadNative.SetAffinity(thread, Words * sizeof(ulong), mask) != 0)
        {
            throw new BenchException($"Processor {cpu} cannot be used: {Marshal.GetLastPInvokeErrorMessage()}.");
        }
    }
}
