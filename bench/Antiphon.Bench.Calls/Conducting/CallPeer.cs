using Antiphon.Bench.Brokers;
using Antiphon.Bench.Calls.Peers;
using Antiphon.Bench.Calls.Roles;

namespace Antiphon.Bench.Calls.Conducting;

/// <summary>What takes part: a library and the broker that it goes through.</summary>
/// <param name="Name">What the command line and the results call it.</param>
/// <param name="Library">The library, by its name in <see cref="Peer"/>.</param>
/// <param name="Program">The bench's program that plays requester and responder: this one, or that of another checkout.</param>
/// <param name="Broker">The broker; <c>null</c>: the responder is the server.</param>
internal sealed record CallPeer(string Name, string Library, string Program, BrokerSpec? Broker)
{
    /// <summary>Of another checkout, with the checkout's name; else empty.</summary>
    public string Suffix { get; init; } = "";

    /// <summary>Whether it knows QoS 1: MQTT only.</summary>
    public bool HasQuality => Library is not (Peer.Nats or Peer.Grpc);

    /// <summary>Why it cannot take part; <c>null</c>: it can.</summary>
    public string? Obstacle
    {
        get
        {
            var needed = Broker?.Command.Split(' ')[0].Trim('\'');
            var folders = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':');
            return needed is null || folders.Any(folder => File.Exists(Path.Combine(folder, needed)))
                ? null
                : $"{needed} is not installed (Debian: apt-get install {needed})";
        }
    }

    /// <summary>Everybody that this program knows.</summary>
    /// <param name="antiphon">The command that runs Antiphon's broker.</param>
    /// <param name="others">Other checkouts: their names and folders.</param>
    public static IReadOnlyList<CallPeer> All(string antiphon, IEnumerable<(string Name, string Folder)> others)
    {
        var own = typeof(CallPeer).Assembly.Location;
        return
        [
            .. Checkout("", own, antiphon),
            .. from other in others
               from peer in Checkout($" ({other.Name})", ProgramOf(other.Folder), $"dotnet '{ToolOf(other.Folder)}' broker --port {{port}}")
               select peer,
            new(Peer.Nats, Peer.Nats, own, new BrokerSpec("nats-server", "nats-server -a 127.0.0.1 -p {port}")),
            new(Peer.MqttNet, Peer.MqttNet, own, new BrokerSpec("MQTTnet.Server", $"dotnet '{own}' {Role.Word} broker mqttnet {{port}}")),
            new("mqttnet-antiphon", Peer.MqttNet, own, new BrokerSpec(Peer.Antiphon, antiphon)),
            new("mqttnet-mosquitto", Peer.MqttNet, own, BrokerSpec.Mosquitto),
            new(Peer.Grpc, Peer.Grpc, own, null),
        ];
    }

    /// <summary>Where a checkout's bench of calls is, once it is built.</summary>
    public static string ProgramOf(string folder) =>
        Path.Combine(folder, "bench/Antiphon.Bench.Calls/bin/Release/net10.0/antiphon-bench-calls.dll");

    /// <summary>Where a checkout's program <c>antiphon</c> is, once it is built.</summary>
    public static string ToolOf(string folder) => Path.Combine(folder, "src/Antiphon.Cli/bin/Release/net10.0/antiphon.dll");

    private static CallPeer[] Checkout(string suffix, string program, string broker) =>
    [
        .. from library in (string[])[Peer.Antiphon, Peer.Echo, Peer.EchoHop]
           select new CallPeer(library + suffix, library, program, new BrokerSpec(Peer.Antiphon + suffix, broker)) { Suffix = suffix },
    ];
}
