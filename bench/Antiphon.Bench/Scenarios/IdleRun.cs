using System.Globalization;
using Antiphon.Bench.Brokers;
using Antiphon.Bench.Load;
using Antiphon.Bench.Results;

namespace Antiphon.Bench.Scenarios;

/// <summary>
/// The cost of connections that say nothing: the broker's memory at 15,000 of them less that at 5,000, each with one subscription.
/// </summary>
internal sealed class IdleRun(Scenario scenario, BrokerProcess broker, Settings settings)
{
    private const int Few = 5_000;
    private static readonly TimeSpan Settling = TimeSpan.FromSeconds(2);

    /// <summary>Descriptors that bench and broker need beyond one for each connection.</summary>
    private const int OtherDescriptors = 200;

    /// <summary>
    /// Raises this process's limit of open files, which the brokers inherit.
    /// Returns why the system cannot hold so many connections; <c>null</c>: it can.
    /// </summary>
    public static unsafe string? Obstacle(Scenario scenario)
    {
        var needed = (ulong)(scenario.Senders + OtherDescriptors);
        var limits = stackalloc ulong[2];
        if (LoadNative.GetLimit(LoadNative.RLIMIT_NOFILE, limits) == 0 && limits[0] < needed)
        {
            limits[0] = needed;
            limits[1] = Math.Max(needed, limits[1]);
            if (LoadNative.SetLimit(LoadNative.RLIMIT_NOFILE, limits) != 0)
            {
                return $"skipped: {needed} open files are needed, and the limit cannot be raised to that (ulimit -n)";
            }
        }

        const string PortRange = "/proc/sys/net/ipv4/ip_local_port_range";
        var range = File.ReadAllText(PortRange).Split((char[])['\t', ' ', '\n'], StringSplitOptions.RemoveEmptyEntries);
        var ports = int.Parse(range[1], CultureInfo.InvariantCulture) - int.Parse(range[0], CultureInfo.InvariantCulture) + 1;
        return ports < scenario.Senders + OtherDescriptors
            ? $"skipped: {scenario.Senders} local ports are needed, and net.ipv4.ip_local_port_range has {ports}"
            : null;
    }

    public IdleMeasurement Measure()
    {
        var idle = broker.ResidentBytes;
        Wire wire = broker.Spec.IsRelay ? new RelayWire(0, 0) : new MqttWire(0, 0);
        using var loop = new LoadLoop(broker.Port, wire, settings.Interrupted);
        for (var i = 0; i < scenario.Senders; i++)
        {
            loop.Add(Role.Bystander).Filter = $"idle/{i}";
        }

        var gathering = new Gathering(loop);
        var atFew = MemoryWith(gathering, loop, Few);
        var atMany = MemoryWith(gathering, loop, scenario.Senders);
        return new IdleMeasurement(idle, (atMany - atFew) / (double)(scenario.Senders - Few));
    }

    private long MemoryWith(Gathering gathering, LoadLoop loop, int connections)
    {
        gathering.Open(connections);
        loop.RunUntil(() => false, Settling, gathering);
        return broker.ResidentBytes;
    }
}
