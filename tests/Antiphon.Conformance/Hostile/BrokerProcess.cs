using System.Globalization;
using System.Net;
using Antiphon.Tests.Running;

namespace Antiphon.Conformance.Hostile;

/// <summary>
/// Our broker with its default options, and a pair that exchanges messages on it.
/// The broker has a process of its own, so that its memory can be seen.
/// </summary>
public sealed class BrokerProcess : IAsyncLifetime
{
    /// <summary>The runtime ends a broker whose heap grows beyond it: 512 MiB.</summary>
    private static readonly Dictionary<string, string> Limit = new() { ["DOTNET_GCHeapHardLimit"] = "0x20000000" };

    private ProgramRun _run = null!;

    internal DnsEndPoint EndPoint { get; private set; } = null!;

    internal WatchPair Pair { get; private set; } = null!;

    /// <summary>What the process has in memory, in MiB.</summary>
    internal double Resident
    {
        get
        {
            var line = File.ReadLines($"/proc/{_run.Id}/status").Single(line => line.StartsWith("VmRSS:", StringComparison.Ordinal));
            return double.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2], CultureInfo.InvariantCulture) / 1024;
        }
    }

    public async ValueTask InitializeAsync()
    {
        _run = ProgramRun.StartBuilt("antiphon", ["broker", "--port", "0"], environment: Limit);
        var line = await _run.OutputLineAsync("listening ");
        EndPoint = new DnsEndPoint("127.0.0.1", int.Parse(line[(line.LastIndexOf(':') + 1)..], CultureInfo.InvariantCulture));
        Pair = await WatchPair.StartAsync(EndPoint);
    }

    /// <summary>Does something beside the pair, and holds the broker's memory to a bound.</summary>
    /// <param name="mebibytes">How much more it may take afterwards; the heap of a managed program keeps some of what it had.</param>
    /// <param name="attack">What to do.</param>
    /// <param name="output">Where the figures go.</param>
    internal async Task WatchAsync(int mebibytes, Func<Task> attack, ITestOutputHelper output)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Only Linux tells the memory of a process in /proc.");
        var before = Resident;
        await attack();
        await Pair.ExchangeAsync();
        var after = Resident;
        output.WriteLine($"The broker had {before:F0} MiB before and has {after:F0} MiB now. {Pair.Figures}");
        Assert.InRange(after - before, double.MinValue, mebibytes);
    }

    public async ValueTask DisposeAsync()
    {
        await Pair.DisposeAsync();
        await _run.DisposeAsync();
    }
}
