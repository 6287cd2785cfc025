using System.Globalization;
using System.Net;
using Antiphon.Tests.Running;

namespace Antiphon.Conformance.Hostile;

/// <summary>Our broker with its default options, in a process of its own so that its memory can be seen, and a pair that exchanges messages on it.</summary>
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

    public async ValueTask DisposeAsync()
    {
        await Pair.DisposeAsync();
        await _run.DisposeAsync();
    }
}
