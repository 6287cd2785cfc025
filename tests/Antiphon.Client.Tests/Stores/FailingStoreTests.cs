using Antiphon.Client.Tests.Peers;
using Antiphon.Protocol;

namespace Antiphon.Client.Tests.Stores;

/// <summary>A store that throws, as on a full disk.</summary>
public sealed class FailingStoreTests
{
    private static readonly ApplicationMessage Message = new() { Topic = "a", QoS = QualityOfService.ExactlyOnce };

    [Fact]
    public async Task A_message_that_cannot_be_stored_is_not_sent_and_nothing_else_ends()
    {
        var store = new FailingStore();
        await using var pair = await Pair.ConnectAsync(change: options => options with { SessionStore = store });
        store.IsFull = true;

        var exception = await Assert.ThrowsAsync<SessionStoreException>(() => pair.Client.PublishAsync(Message, Limit.Token).AsTask());

        Assert.IsType<IOException>(exception.InnerException);
        await pair.Client.PublishAsync(Message with { QoS = QualityOfService.AtMostOnce }, Limit.Token);
        await pair.Server.ExpectAsync("30 04 0001 'a' 00");
        store.IsFull = false;
        var publishing = pair.Client.PublishAsync(Message, Limit.Token).AsTask();
        await pair.Server.ExpectAsync("34 06 0001 'a' 0002 00");
        await pair.Server.SendAsync("50 02 0002 70 02 0002");
        await publishing.InTime();
        Assert.Equal(0, pair.Client.Counters.SessionStoreFailures);
    }

    [Fact]
    public async Task A_message_that_waited_and_cannot_be_stored_lets_the_next_one_through()
    {
        using var listener = new ScriptedServer();
        var store = new FailingStore();
        await using var client = MqttClient.Start(listener.Options with { SessionStore = store });
        var one = client.PublishAsync(Message, Limit.Token).AsTask();
        var two = client.PublishAsync(Message with { QoS = QualityOfService.AtMostOnce }, Limit.Token).AsTask();
        store.IsFull = true;
        using var server = await listener.AcceptAsync(ScriptedServer.Accepted);

        await Assert.ThrowsAsync<SessionStoreException>(() => one.InTime());
        await two.InTime();
        await server.ExpectAsync("30 04 0001 'a' 00");
    }

    [Fact]
    public async Task A_handshake_goes_on_in_memory_and_the_failures_are_counted()
    {
        var store = new FailingStore();
        await using var pair = await Pair.ConnectAsync(change: options => options with { SessionStore = store });
        var publishing = pair.Client.PublishAsync(Message, Limit.Token).AsTask();
        await pair.Server.ExpectAsync("34 06 0001 'a' 0001 00");
        store.IsFull = true;
        await pair.Server.SendAsync("50 02 0001");
        await pair.Server.ExpectAsync("62 02 0001");
        await pair.Server.SendAsync("70 02 0001 34 06 0001 'z' 0005 00");
        await pair.Server.ExpectAsync("50 02 0005");
        await pair.Server.SendAsync("62 02 0005");
        await pair.Server.ExpectAsync("70 02 0005");

        await publishing.InTime();
        Assert.Equal(4, pair.Client.Counters.SessionStoreFailures);
    }

    [Theory]
    [InlineData(true, false)]
    [InlineData(false, true)]
    public async Task Without_its_store_there_is_no_client(bool cannotRead, bool isFull)
    {
        var options = new MqttClientOptions
        {
            ClientId = "c",
            SessionStore = new FailingStore { CannotRead = cannotRead, IsFull = isFull },
        };

        var exception = Assert.Throws<SessionStoreException>(() => MqttClient.Start(options));

        Assert.IsType<IOException>(exception.InnerException);
        await Assert.ThrowsAsync<SessionStoreException>(() => MqttClient.ConnectAsync(options, Limit.Token));
    }

    private sealed class FailingStore : ISessionStore
    {
        private readonly MemorySessionStore _store = new();

        public bool IsFull { get; set; }

        public bool CannotRead { get; set; }

        public StoredSession? Load() => CannotRead ? throw new IOException("The disk does not turn.") : _store.Load();

        public void Begin(string clientId, ProtocolVersion version) => Room().Begin(clientId, version);

        public void Clear() => Room().Clear();

        public void AddPublish(PacketIdentifier identifier, ReadOnlySpan<byte> packet) => Room().AddPublish(identifier, packet);

        public void ReleasePublish(PacketIdentifier identifier) => Room().ReleasePublish(identifier);

        public void RemovePublish(PacketIdentifier identifier) => Room().RemovePublish(identifier);

        public void AddReceived(PacketIdentifier identifier) => Room().AddReceived(identifier);

        public void RemoveReceived(PacketIdentifier identifier) => Room().RemoveReceived(identifier);

        private MemorySessionStore Room() => IsFull ? throw new IOException("The disk is full.") : _store;
    }
}
