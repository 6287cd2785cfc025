namespace Antiphon.Client.Tests.Peers;

/// <summary>A connected client and the scripted server at its other end.</summary>
internal sealed class Pair : IAsyncDisposable
{
    private Pair(ScriptedServer listener, MqttClient client, ScriptedConnection server)
    {
        Listener = listener;
        Client = client;
        Server = server;
    }

    public ScriptedServer Listener { get; }

    public MqttClient Client { get; }

    public ScriptedConnection Server { get; }

    public static async Task<Pair> ConnectAsync(
        string connAck = ScriptedServer.Accepted, Func<MqttClientOptions, MqttClientOptions>? change = null)
    {
        var listener = new ScriptedServer();
        var client = MqttClient.Start(change is null ? listener.Options : change(listener.Options));
        var server = await listener.AcceptAsync(connAck);
        await client.WaitUntilConnectedAsync(Limit.Token);
        return new Pair(listener, client, server);
    }

    /// <summary>Subscribes with a filter of one character and grants QoS 1.</summary>
    public Task<Subscription> SubscribeAsync(
        string filter,
        Func<ReceivedMessage, CancellationToken, ValueTask> handler,
        SubscribeOptions? options = null,
        int packet = 1,
        int identifier = 1) => GrantAsync(Client.SubscribeAsync(filter, handler, options, Limit.Token), filter, packet, identifier);

    /// <summary>The same for a raw handler.</summary>
    public Task<Subscription> SubscribeRawAsync(string filter, RawMessageHandler handler, int packet = 1, int identifier = 1) =>
        GrantAsync(Client.SubscribeRawAsync(filter, handler, null, Limit.Token), filter, packet, identifier);

    public async ValueTask DisposeAsync()
    {
        Server.Dispose();
        await Client.DisposeAsync().InTime();
        Listener.Dispose();
    }

    private async Task<Subscription> GrantAsync(Task<Subscription> subscribing, string filter, int packet, int identifier)
    {
        await Server.ExpectAsync($"82 09 {packet:X4} 02 0B{identifier:X2} 0001 '{filter}' 01");
        await Server.SendAsync($"90 04 {packet:X4} 00 01");
        return await subscribing;
    }
}
