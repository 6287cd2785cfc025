using Antiphon.Client;
using Antiphon.Protocol.Packets;
using Antiphon.Rpc.Tests.Servers;
using Antiphon.Rpc.Tests.Timing;

namespace Antiphon.Rpc.Tests.Requesting;

/// <summary>Requests that the client under the requester does not take.</summary>
public sealed class NotSentTests
{
    private readonly OneThread _thread = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public void A_request_for_which_the_client_has_no_room_was_not_sent_and_the_next_ones_are() => _thread.RunTest(async () =>
    {
        using var server = new ScriptedServer(_thread) { ConnAck = new ConnAckPacket { ReceiveMaximum = 1 } };
        await using var client = await server.ConnectAsync(new MqttClientOptions { ClientId = "c", MaximumQueuedMessages = 1 });
        await using var requester = new Requester(client);
        var first = Call(requester, "1");
        var request = await server.PublishAsync();
        var second = Call(requester, "2");

        var exception = await Assert.ThrowsAsync<RequestNotSentException>(() => Call(requester, "3"));

        Assert.Equal(("relay/1", RequestProgress.NotSent, 0), (exception.Topic, exception.Progress, exception.CorrelationData.Length));
        Assert.IsType<QueueFullException>(exception.InnerException);
        Assert.Contains("MaximumQueuedMessages", exception.Message, StringComparison.Ordinal);
        server.Respond(request, "one");
        Assert.Equal("one", (await first).Text);
        server.Acknowledge(request);
        server.Respond(await server.PublishAsync(), "two");
        Assert.Equal("two", (await second).Text);
    });

    [Fact]
    public void A_request_that_waited_in_the_client_when_it_stopped_was_not_sent() => _thread.RunTest(async () =>
    {
        using var server = new ScriptedServer(_thread) { ConnAck = new ConnAckPacket { ReceiveMaximum = 1 } };
        await using var client = await server.ConnectAsync();
        await using var requester = new Requester(client);
        var first = Call(requester, "1");
        await server.PublishAsync();
        var second = Call(requester, "2");

        await client.DisconnectAsync(cancellationToken: Token);

        Assert.Equal(RequestProgress.Sent, (await Assert.ThrowsAsync<OutcomeUnknownException>(() => first)).Progress);
        await Assert.ThrowsAsync<ConnectionException>(() => second);
    });

    private static Task<Response> Call(Requester requester, string text) =>
        requester.RequestAsync("relay/1", text, cancellationToken: Token).AsTask();
}
