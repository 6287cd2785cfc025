using System.Buffers;
using Antiphon.Client;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;
using Antiphon.Protocol.Properties;
using Antiphon.Rpc.Tests.Servers;
using Antiphon.Rpc.Tests.Timing;

namespace Antiphon.Rpc.Tests.Responding;

/// <summary>What handlers answer that MQTT has no form for: no requester waits for its timeout because of it.</summary>
public sealed class UnsendableReplyTests : IDisposable
{
    private readonly OneThread _thread = new();
    private readonly ScriptedServer _server;
    private MqttClient _client = null!;

    public UnsendableReplyTests()
    {
        _server = new ScriptedServer(_thread);
        _thread.RunTest(async () => _client = await _server.ConnectAsync());
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static TheoryData<string, Func<Reply>> WithoutForm => new()
    {
        { "Content Type with U+0000", () => new Reply { ContentType = "a\0b" } },
        { "Content Type with half a character", () => new Reply { ContentType = "a\ud800" } },
        { "Content Type that is too long", () => new Reply { ContentType = new string('x', 65_536) } },
        { "User Property with U+0000 in its name", () => new Reply { UserProperties = [new("a\0", "b")] } },
        { "User Property with U+0000 in its value", () => new Reply { UserProperties = [new("a", "b\0")] } },
        { "User Property with half a character", () => new Reply { UserProperties = [new("a", "\udc00")] } },
        { "User Property that is too long", () => new Reply { UserProperties = [new("a", new string('ü', 32_768))] } },
        { "User Property that is none", () => new Reply { UserProperties = [default] } },
        { "Payload that cannot be read", () => new Reply { Payload = new BrokenMemory().Memory } },
    };

    public static TheoryData<string, string, string> Sentences => new()
    {
        { "half a \ud800 character", "half a \ufffd character", "a lone surrogate" },
        { "a\0b", "a\ufffdb", "U+0000" },
        { new string('x', 70_000), new string('x', 65_535), "too long" },
        { new string('€', 30_000), new string('€', 21_845), "too long in UTF-8" },
        { "x" + new string('€', 30_000), "x" + new string('€', 21_844), "cut between two characters" },
        { "", "", "empty" },
    };

    public void Dispose() => _thread.RunTest(async () =>
    {
        await _client.DisposeAsync();
        _server.Dispose();
    });

    [Theory]
    [MemberData(nameof(WithoutForm), DisableDiscoveryEnumeration = true)]
    public void A_reply_without_a_form_on_the_wire_is_answered_as_a_failure_at_once(string what, Func<Reply> reply) =>
        _thread.RunTest(async () =>
    {
        await using var responder = Make();
        await responder.RespondAsync("t", _ => reply(), cancellationToken: Token);
        var answer = await AskAsync();

        Assert.True(answer.UserProperties.Contains(new("__stat", "500")), what);
        Assert.Contains(new("__stMsg", "The handler's answer has no form on the wire."), answer.UserProperties);
        Assert.Equal(1, responder.Counters.HandlerFailures);
    });

    [Theory]
    [MemberData(nameof(Sentences), DisableDiscoveryEnumeration = true)]
    public void A_sentence_is_mended_and_the_status_stays(string sentence, string mended, string what) => _thread.RunTest(async () =>
    {
        foreach (var throws in new[] { false, true })
        {
            await using var responder = Make();
            await responder.RespondAsync(
                "t", _ => throws ? throw new ReplyException(418, sentence) : Reply.Error(418, sentence), cancellationToken: Token);
            var answer = await AskAsync();

            Assert.Equal(
                [new("__stat", "418"), new("__stMsg", mended), new("__apErr", "true"), new("__protVer", "1.0")], answer.UserProperties);
            Assert.True(responder.Counters.HandlerFailures == 0, what);
        }
    });

    [Theory]
    [MemberData(nameof(Sentences), DisableDiscoveryEnumeration = true)]
    public void So_is_the_text_of_an_exception(string sentence, string mended, string what) => _thread.RunTest(async () =>
    {
        await using var responder = Make(exposeExceptions: true);
        await responder.RespondAsync("t", Reply (_) => throw new InvalidOperationException(sentence), cancellationToken: Token);
        var answer = await AskAsync();

        Assert.Contains(new("__stat", "500"), answer.UserProperties);
        Assert.True(answer.UserProperties.Contains(new("__stMsg", mended)), what);
        Assert.Equal(1, responder.Counters.HandlerFailures);
    });

    [Fact]
    public void An_exception_that_will_not_tell_its_text_is_a_failure_like_any_other() => _thread.RunTest(async () =>
    {
        await using var responder = Make(exposeExceptions: true);
        await responder.RespondAsync("t", Reply (_) => throw new MuteException(), cancellationToken: Token);

        Assert.Contains(new("__stMsg", "The handler failed."), (await AskAsync()).UserProperties);
    });

    [Theory]
    [InlineData("not a number", 500)]
    [InlineData("half", 200)]
    [InlineData("circle", 500)]
    public void JSON_that_cannot_be_written_is_answered_at_once(string what, int status) => _thread.RunTest(async () =>
    {
        await using var responder = Make();
        await responder.RespondAsync<Node?, Node>(
            "t",
            (_, _) =>
            {
                var node = new Node { Number = what == "not a number" ? double.NaN : 1, Text = what == "half" ? "\ud800" : "" };
                node.Next = what == "circle" ? node : null;
                return node;
            },
            cancellationToken: Token);

        Assert.Contains(new("__stat", $"{status}"), (await AskAsync()).UserProperties);
    });

    [Fact]
    public void User_Properties_beyond_the_servers_Maximum_Packet_Size_are_answered_with_an_error() => _thread.RunTest(async () =>
    {
        _server.ConnAck = new ConnAckPacket { MaximumPacketSize = 500 };
        _server.Cut();
        _server.LetReconnect();
        await using var responder = Make();
        await responder.RespondAsync(
            "t",
            _ => new Reply { UserProperties = [.. Enumerable.Range(0, 100).Select(i => new UserProperty($"{i}", "x"))] },
            cancellationToken: Token);

        Assert.Contains(new("__stMsg", "The response is larger than the server accepts."), (await AskAsync()).UserProperties);
    });

    [Fact]
    public void A_payload_that_is_not_the_text_it_is_said_to_be_is_answered_with_an_error_once_where_the_server_looks() =>
        _thread.RunTest(async () =>
    {
        await using var responder = Make();
        var registration = await responder.RespondAsync(
            "t", _ => new Reply { Payload = new byte[] { 0xff }, PayloadIsUtf8 = true }, cancellationToken: Token);
        var identifier = Ask();
        _server.Acknowledge(await _server.PublishAsync(), ReasonCode.PayloadFormatInvalid);
        var answer = await _server.PublishAsync();
        Assert.Equal(
            [
                new("__stat", "500"),
                new("__stMsg", "The response says that its payload is UTF-8 text, and the server finds none."),
                new("__protVer", "1.0"),
            ],
            answer.Message.UserProperties);
        Assert.Empty(_server.Acknowledged);
        _server.Acknowledge(answer, ReasonCode.PayloadFormatInvalid);
        Assert.Equal(identifier, (await _server.PubAckAsync()).PacketIdentifier.Value);
        Assert.Equal(1, registration.RefusedAnswers);
    });

    private Responder Make(bool exposeExceptions = false) =>
        new(_client, new ResponderOptions { DrainTimeout = TimeSpan.Zero, ExposeExceptions = exposeExceptions });

    private async Task<ApplicationMessage> AskAsync()
    {
        Ask();
        var answer = await _server.PublishAsync();
        _server.Acknowledge(answer);
        await _server.PubAckAsync();
        return answer.Message;
    }

    private ushort Ask() =>
        _server.Deliver(new ApplicationMessage
        {
            Topic = "t",
            Payload = "null"u8.ToArray(),
            QoS = QualityOfService.AtLeastOnce,
            ResponseTopic = "r/1",
            CorrelationData = Guid.NewGuid().ToByteArray(),
            UserProperties = [new("__protVer", "1.0")],
        });

    private sealed class Node
    {
        public double Number { get; set; }

        public string Text { get; set; } = "";

        public Node? Next { get; set; }
    }

    private sealed class MuteException : Exception
    {
        public override string Message => throw new InvalidOperationException("It will not say.");
    }

    private sealed class BrokenMemory : MemoryManager<byte>
    {
        public override Memory<byte> Memory => CreateMemory(10);

        public override Span<byte> GetSpan() => throw new InvalidOperationException("The memory is gone.");

        public override MemoryHandle Pin(int elementIndex = 0) => throw new InvalidOperationException("The memory is gone.");

        public override void Unpin()
        {
        }

        protected override void Dispose(bool disposing)
        {
        }
    }
}
