using System.Text;
using Antiphon.Client;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;
using Antiphon.Rpc.Tests.Servers;
using Antiphon.Rpc.Tests.Timing;

namespace Antiphon.Rpc.Tests.Responding;

/// <summary>Answers that the responder's own client does not take: no requester waits for its timeout because of it.</summary>
public sealed class LostAnswerTests : IDisposable
{
    private const string NoRoom =
        "The request has been executed; the response was lost, since too many messages wait to be sent.";

    private const string NotStored = "The request has been executed; the response was lost, since the responder could not store it.";

    private readonly OneThread _thread = new();
    private readonly ScriptedServer _server;

    public LostAnswerTests() => _server = new ScriptedServer(_thread) { ConnAck = new ConnAckPacket { ReceiveMaximum = 1 } };

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static TheoryData<string, MqttClientOptions> FullQueues => new()
    {
        { "in messages", new MqttClientOptions { ClientId = "c", MaximumQueuedMessages = 1 } },
        { "in bytes", new MqttClientOptions { ClientId = "c", MaximumWaitingBytes = 1 } },
    };

    public void Dispose() => _server.Dispose();

    [Theory]
    [MemberData(nameof(FullQueues), DisableDiscoveryEnumeration = true)]
    public void What_finds_the_queue_full_is_replaced_by_an_error(string what, MqttClientOptions full) => _thread.RunTest(async () =>
    {
        await using var client = await _server.ConnectAsync(full);
        await using var responder = new Responder(client);
        await responder.RespondAsync("t", request => new Reply { Payload = request.Payload.ToArray() }, cancellationToken: Token);
        ushort[] asked = [Ask("1"), Ask("2"), Ask("3"), Ask("4")];

        Assert.Equal([("1", "200", null), ("2", "200", null), ("", "500", NoRoom), ("", "500", NoRoom)], await AnswersAsync(asked.Length));
        Assert.True(responder.Counters.Undelivered == 2, what);
        Assert.Equal(asked, _server.Acknowledged);
    });

    [Fact]
    public void One_that_is_asked_for_again_is_sent_as_soon_as_there_is_room() => _thread.RunTest(async () =>
    {
        await using var client = await _server.ConnectAsync(new MqttClientOptions { ClientId = "c", MaximumQueuedMessages = 1 });
        await using var responder = new Responder(client);
        await responder.RespondAsync("t", request => new Reply { Payload = request.Payload.ToArray() }, cancellationToken: Token);
        _ = (Ask("1"), Ask("2"), Ask("3"));
        await AnswersAsync(3);

        Ask("3");

        Assert.Equal([("3", "200", null)], await AnswersAsync(1));
        Assert.Equal((3, 1), (responder.Counters.Answered, responder.Counters.Repeated));
    });

    [Fact]
    public void Overload_is_told_where_the_queue_is_full() => _thread.RunTest(async () =>
    {
        await using var client = await _server.ConnectAsync(new MqttClientOptions { ClientId = "c", MaximumQueuedMessages = 1 });
        await using var responder = new Responder(client, new ResponderOptions { MaximumConcurrency = 1, MaximumWaiting = 0 });
        var handled = new TaskCompletionSource();
        await responder.RespondAsync(
            "t",
            async _ =>
            {
                await handled.Task;
                return new Reply();
            },
            cancellationToken: Token);
        Ask("1");
        _thread.Settle();
        _ = (Ask("2"), Ask("3"), Ask("4"), Ask("5"));
        _thread.Settle();

        Assert.Equal(["429", "429", "429", "429"], (await AnswersAsync(4)).Select(answer => answer.Status));
        handled.SetResult();
        Assert.Equal(["200"], (await AnswersAsync(1)).Select(answer => answer.Status));
    });

    [Fact]
    public void What_cannot_be_stored_is_replaced_by_an_error_at_once_and_when_its_turn_comes() => _thread.RunTest(async () =>
    {
        var store = new FullStore();
        await using var client = await _server.ConnectAsync(new MqttClientOptions { ClientId = "c", SessionStore = store });
        await using var responder = new Responder(client);
        await responder.RespondAsync("t", request => new Reply { Payload = request.Payload.ToArray() }, cancellationToken: Token);
        ushort[] asked = [Ask("1"), Ask("2")];

        Assert.Equal([("", "500", NotStored), ("", "500", NotStored)], await AnswersAsync(asked.Length));
        Assert.Equal(2, responder.Counters.Undelivered);
        Assert.Equal(asked, _server.Acknowledged);
    });

    private async Task<List<(string Payload, string Status, string? Sentence)>> AnswersAsync(int count)
    {
        var answers = new List<(string, string, string?)>();
        for (var i = 0; i < count; i++)
        {
            var answer = await _server.PublishAsync();
            _server.Acknowledge(answer);
            answers.Add((Encoding.UTF8.GetString(answer.Message.Payload.Span), Property(answer, "__stat")!, Property(answer, "__stMsg")));
        }

        _thread.Settle();
        return answers;
    }

    private static string? Property(PublishPacket answer, string name) =>
        answer.Message.UserProperties.Where(property => property.Name == name).Select(property => property.Value).SingleOrDefault();

    private ushort Ask(string text) =>
        _server.Deliver(new ApplicationMessage
        {
            Topic = "t",
            Payload = Encoding.UTF8.GetBytes(text),
            QoS = QualityOfService.AtLeastOnce,
            ResponseTopic = "r/1",
            CorrelationData = Encoding.UTF8.GetBytes(text.PadLeft(16)),
            UserProperties = [new("__protVer", "1.0")],
        });

    /// <summary>A store on a disk that is full.</summary>
    private sealed class FullStore : ISessionStore
    {
        public StoredSession? Load() => null;

        public void Begin(string clientId, ProtocolVersion version)
        {
        }

        public void Clear()
        {
        }

        public void AddPublish(PacketIdentifier identifier, ReadOnlySpan<byte> packet) => throw new IOException("No space left on device");

        public void ReleasePublish(PacketIdentifier identifier)
        {
        }

        public void RemovePublish(PacketIdentifier identifier)
        {
        }

        public void AddReceived(PacketIdentifier identifier)
        {
        }

        public void RemoveReceived(PacketIdentifier identifier)
        {
        }
    }
}
