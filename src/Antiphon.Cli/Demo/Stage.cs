using Antiphon.Broker;
using Antiphon.Client;
using Antiphon.Rpc;

namespace Antiphon.Cli.Demo;

/// <summary>
/// The parties of the demo, connected: the broker, the device with its relay, the controller, and a tap before each client.
/// </summary>
internal sealed class Stage : IAsyncDisposable
{
    public const string RelayTopic = "device_1/relay_1";

    private readonly Stack<IAsyncDisposable> _parties = new();

    private Stage(TimeProvider time) => Journey = new Journey(time);

    public Journey Journey { get; }

    public BrokerHost Broker { get; private set; } = null!;

    public MqttClient Controller { get; private set; } = null!;

    public Requester Requester { get; private set; } = null!;

    public Relay Relay { get; private set; } = null!;

    public static async Task<Stage> SetAsync(TimeProvider time, CancellationToken cancellationToken)
    {
        var stage = new Stage(time);
        try
        {
            stage.Broker = stage.Own(BrokerHost.Start(new BrokerOptions { Port = 0, TimeProvider = time }));
            var device = await stage.ConnectAsync(Side.Device, "device_1", cancellationToken);
            stage.Relay = new Relay(stage.Journey, time);
            var responder = stage.Own(new Responder(device));
            await responder.RespondAsync(RelayTopic, stage.Relay.AnswerAsync, cancellationToken: cancellationToken);
            stage.Controller = await stage.ConnectAsync(Side.Controller, "controller", cancellationToken);
            stage.Requester = stage.Own(new Requester(stage.Controller));
            return stage;
        }
        catch
        {
            await stage.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        while (_parties.TryPop(out var party))
        {
            await party.DisposeAsync();
        }
    }

    private async Task<MqttClient> ConnectAsync(Side side, string clientId, CancellationToken cancellationToken)
    {
        var tap = Own(new Tap(side, Broker.EndPoint, Journey));

        // Without Topic Aliases every packet of the pictures says by itself what it is about.
        var options = new MqttClientOptions { Host = "127.0.0.1", Port = tap.Port, ClientId = clientId, MaximumTopicAliases = 0 };
        return Own(await MqttClient.ConnectAsync(options, cancellationToken));
    }

    private T Own<T>(T party)
        where T : IAsyncDisposable
    {
        _parties.Push(party);
        return party;
    }
}
