namespace Antiphon.Bench.Brokers;

/// <summary>A broker that takes part.</summary>
/// <param name="Name">What the results call it.</param>
/// <param name="Command">
/// A command for <c>sh</c> that runs it in the foreground. <c>{port}</c> stands for the port,
/// <c>{config}</c> for the file with <paramref name="Config"/>.
/// </param>
/// <param name="Config">The text of a configuration file, with <c>{port}</c>; <c>null</c>: none.</param>
/// <param name="IsRelay">Whether it speaks the relay's frames in place of MQTT.</param>
internal sealed record BrokerSpec(string Name, string Command, string? Config = null, bool IsRelay = false)
{
    public const string RelayName = "relay";
    public const string MosquittoName = "mosquitto";

    /// <summary>Debian's mosquitto, set up to be as fast as it can be.</summary>
    public static BrokerSpec Mosquitto { get; } = new(
        MosquittoName,
        "mosquitto -c {config}",
        """
        listener {port} 127.0.0.1
        allow_anonymous true
        persistence false
        set_tcp_nodelay true
        max_inflight_messages 65535
        max_queued_messages 0
        log_dest none

        """);
}
