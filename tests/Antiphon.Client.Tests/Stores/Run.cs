using Antiphon.Client.Tests.Peers;

namespace Antiphon.Client.Tests.Stores;

/// <summary>
/// One run of a program that means to come back to its Session: a client, its store in a file, and the server's end.
/// </summary>
internal sealed class Run : IAsyncDisposable
{
    private readonly FileSessionStore _store;

    private Run(FileSessionStore store, MqttClient client, ScriptedConnection server)
    {
        _store = store;
        Client = client;
        Server = server;
    }

    public MqttClient Client { get; }

    public ScriptedConnection Server { get; }

    public static async Task<Run> BeginAsync(
        ScriptedServer listener, string path, string connAck, Func<MqttClientOptions, MqttClientOptions>? change = null)
    {
        var store = new FileSessionStore(path);
        var options = listener.Options with
        {
            CleanStart = false,
            SessionStore = store,
            SessionExpiry = Timeout.InfiniteTimeSpan,

            // A program that has been killed does not come back by itself.
            ReconnectDelay = TimeSpan.FromHours(1),
            MaximumReconnectDelay = TimeSpan.FromHours(1),
        };
        var client = MqttClient.Start(change is null ? options : change(options));
        var server = await listener.AcceptAsync(connAck);
        await client.WaitUntilConnectedAsync(Limit.Token);
        return new Run(store, client, server);
    }

    /// <summary>Subscribes with QoS 2 and grants it; the Subscription Identifier is not the test's business.</summary>
    public async Task SubscribeAsync(Func<ReceivedMessage, CancellationToken, ValueTask> handler)
    {
        var subscribing = Client.SubscribeAsync(
            "a", handler, new SubscribeOptions { MaximumQoS = Protocol.QualityOfService.ExactlyOnce }, Limit.Token);
        var subscribe = Convert.ToHexString(await Server.ReadAsync());
        Assert.Equal("82", subscribe[..2]);
        await Server.SendAsync($"90 04 {subscribe[4..8]} 00 02");
        await subscribing.InTime();
    }

    /// <summary>Ends as a killed program does: the store hears nothing more, and the server sees the connection break.</summary>
    public async ValueTask DisposeAsync()
    {
        _store.Dispose();
        Server.Reset();
        await Client.DisposeAsync().InTime();
    }
}
