using Antiphon.Bench.Calls.Roles;

namespace Antiphon.Bench.Calls.Peers;

/// <summary>The side that asks.</summary>
internal interface ICaller : IAsyncDisposable
{
    /// <summary>
    /// A closed loop: asks, waits for the answer, asks again, as long as the log goes on. Allocates nothing per call that its library
    /// does not.
    /// </summary>
    Task RunAsync(int slot, CallLog log);
}

/// <summary>The side that answers each request with its own payload.</summary>
/// <param name="Port">Where it listens, if it is a server; else the broker's port.</param>
/// <param name="End">Ends it.</param>
internal sealed record Answering(int Port, Func<ValueTask> End) : IAsyncDisposable
{
    public ValueTask DisposeAsync() => End();
}

/// <summary>The libraries that carry calls, by name.</summary>
internal static class Peer
{
    public const string Antiphon = "antiphon";
    public const string Echo = "echo";
    public const string EchoHop = "echo-hop";
    public const string Nats = "nats";
    public const string MqttNet = "mqttnet";
    public const string Grpc = "grpc";

    /// <summary>Where all requests go.</summary>
    public const string Topic = "bench/calls";

    public static Task<ICaller> RequestAsync(string peer, int port, CallScenario scenario) => peer switch
    {
        Antiphon => AntiphonPeer.RequestAsync(port, scenario),
        Echo => EchoPeer.RequestAsync(port, scenario, hops: false),
        EchoHop => EchoPeer.RequestAsync(port, scenario, hops: true),
        Nats => NatsPeer.RequestAsync(port, scenario),
        MqttNet => MqttNetPeer.RequestAsync(port, scenario),
        Grpc => Task.FromResult(GrpcPeer.Request(port, scenario)),
        _ => throw Unknown(peer),
    };

    public static Task<Answering> RespondAsync(string peer, int port, CallScenario scenario) => peer switch
    {
        Antiphon => AntiphonPeer.RespondAsync(port),
        Echo or EchoHop => EchoPeer.RespondAsync(port, scenario),
        Nats => NatsPeer.RespondAsync(port),
        MqttNet => MqttNetPeer.RespondAsync(port, scenario),
        Grpc => GrpcPeer.RespondAsync(),
        _ => throw Unknown(peer),
    };

    /// <summary>What each slot asks: bytes of its own, so that an answer to another's question is seen.</summary>
    public static byte[][] Payloads(CallScenario scenario)
    {
        var payloads = new byte[scenario.Outstanding][];
        for (var slot = 0; slot < payloads.Length; slot++)
        {
            payloads[slot] = new byte[CallScenario.Payload];
            payloads[slot].AsSpan().Fill((byte)slot);
            BitConverter.TryWriteBytes(payloads[slot], slot);
        }

        return payloads;
    }

    private static BenchException Unknown(string peer) => new($"There is no peer {peer}.");
}
