using Antiphon.Cli.Connecting;
using Antiphon.Client;
using Antiphon.Protocol;

namespace Antiphon.Cli.Loads;

/// <summary>One run of a bench: what it was asked for, and the clients that it made and closes.</summary>
internal sealed class BenchRun(ConnectionOptions connection) : IAsyncDisposable
{
    private readonly Stack<IAsyncDisposable> _owned = new();

    public required MqttClientOptions Options { get; init; }

    public required int Clients { get; init; }

    /// <summary>How many at the same time: of each client, or of the one publisher where the clients subscribe.</summary>
    public required int Concurrency { get; init; }

    /// <summary>Bytes of a payload.</summary>
    public required int Size { get; init; }

    public required QualityOfService QoS { get; init; }

    public required Load Load { get; init; }

    public required TimeProvider Time { get; init; }

    /// <summary>A topic that nobody else uses.</summary>
    public string Topic { get; } = $"antiphon/bench/{Guid.NewGuid():N}";

    public T Own<T>(T resource)
        where T : IAsyncDisposable
    {
        _owned.Push(resource);
        return resource;
    }

    public async Task<MqttClient> ConnectAsync(CancellationToken cancellationToken) =>
        Own(await connection.ConnectAsync(Options, cancellationToken));

    public async Task<IReadOnlyList<MqttClient>> ConnectAllAsync(CancellationToken cancellationToken)
    {
        var clients = new List<MqttClient>();
        for (var i = 0; i < Clients; i++)
        {
            clients.Add(await ConnectAsync(cancellationToken));
        }

        return clients;
    }

    /// <summary>Closes the last first.</summary>
    public async ValueTask DisposeAsync()
    {
        while (_owned.TryPop(out var resource))
        {
            await resource.DisposeAsync();
        }
    }
}
