using System.Collections.Concurrent;
using Antiphon.Client;
using Antiphon.Rpc;

namespace Antiphon.Interop.Mosquitto;

/// <summary>Our requester and responder talk through Debian's mosquitto, which gives no Response Information.</summary>
public sealed class OurClientsOnMosquittoTests
{
    [Fact]
    public async Task A_request_is_answered()
    {
        await using var broker = await MosquittoBroker.StartAsync();
        await using var device = await RespondAsync(broker.Port, request => $"relay_1 is {request.Text}");
        await using var controller = await ConnectAsync(broker.Port);
        await using var requester = new Requester(controller, new RequesterOptions { Timeout = TimeSpan.FromSeconds(30) });

        var response = await requester.RequestAsync("device_1/relay_1", "on", null, TestContext.Current.CancellationToken);

        Assert.Equal("relay_1 is on", response.Text);
        Assert.StartsWith($"clients/{controller.ClientId}/", response.Topic, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_Response_Topic_with_a_wildcard_which_mosquitto_passes_on_ends_no_connection()
    {
        await using var broker = await MosquittoBroker.StartAsync();
        await using var device = await RespondAsync(broker.Port, request => $"relay_1 is {request.Text}");
        using var sender = new System.Net.Sockets.TcpClient();
        await sender.ConnectAsync("127.0.0.1", broker.Port, TestContext.Current.CancellationToken);
        var stream = sender.GetStream();

        // CONNECT, and PUBLISH device_1/relay_1 with QoS 1 and the Response Topic a/#.
        await stream.WriteAsync(Convert.FromHexString("101000044D5154540502003C000003666C61"), TestContext.Current.CancellationToken);
        await stream.WriteAsync(
            (byte[])[0x32, 28, 0, 16, .. "device_1/relay_1"u8, 0, 1, 6, 8, 0, 3, .. "a/#"u8, .. "x"u8],
            TestContext.Current.CancellationToken);
        var answers = new byte[64];
        await stream.ReadAtLeastAsync(answers, 7, cancellationToken: TestContext.Current.CancellationToken);
        await using var controller = await ConnectAsync(broker.Port);
        await using var requester = new Requester(controller, new RequesterOptions { Timeout = TimeSpan.FromSeconds(30) });
        var response = await requester.RequestAsync("device_1/relay_1", "on", null, TestContext.Current.CancellationToken);

        Assert.Equal("relay_1 is on", response.Text);
        Assert.Equal((1, 0), (device.Counters.FlawedMessages, device.Counters.Reconnects));
    }

    [Fact]
    public async Task A_thousand_requests_at_once_each_get_their_own_answer()
    {
        await using var broker = await MosquittoBroker.StartAsync();
        await using var device = await ConnectAsync(broker.Port);
        await using var responder = new Responder(device, new ResponderOptions { MaximumWaiting = 1000 });
        await responder.RespondAsync("device_1/relay_1", request => request.Text, cancellationToken: TestContext.Current.CancellationToken);
        await using var controller = await ConnectAsync(broker.Port);
        await using var requester = new Requester(controller, new RequesterOptions { Timeout = TimeSpan.FromSeconds(30) });

        var answers = await Task.WhenAll(Enumerable.Range(0, 1000).Select(async number =>
            (number, (await requester.RequestAsync("device_1/relay_1", $"{number}", null, TestContext.Current.CancellationToken)).Text)));

        Assert.All(answers, answer => Assert.Equal($"{answer.number}", answer.Text));
    }

    [Fact]
    public async Task Nobody_there_is_known_at_once()
    {
        await using var broker = await MosquittoBroker.StartAsync();
        await using var controller = await ConnectAsync(broker.Port);
        await using var requester = new Requester(controller, new RequesterOptions { Timeout = TimeSpan.FromMinutes(1) });

        await Assert.ThrowsAsync<NoResponderException>(
            async () => await requester.RequestAsync("device_1/relay_1", "on", null, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task An_error_of_the_responder_arrives_as_one()
    {
        await using var broker = await MosquittoBroker.StartAsync();
        await using var device = await RespondAsync(broker.Port, _ => Reply.Error(409, "the relay is locked"));
        await using var controller = await ConnectAsync(broker.Port);
        await using var requester = new Requester(controller, new RequesterOptions { Timeout = TimeSpan.FromSeconds(30) });

        var error = await Assert.ThrowsAsync<RemoteErrorException>(
            async () => await requester.RequestAsync("device_1/relay_1", "on", null, TestContext.Current.CancellationToken));

        Assert.Equal((409, "the relay is locked"), (error.Status, error.StatusMessage));
    }

    [Fact]
    public async Task Responders_of_one_share_group_share_the_requests()
    {
        await using var broker = await MosquittoBroker.StartAsync();
        var workers = new RespondOptions { ShareName = "workers" };
        await using var first = await RespondAsync(broker.Port, _ => "first", workers);
        await using var second = await RespondAsync(broker.Port, _ => "second", workers);
        await using var controller = await ConnectAsync(broker.Port);
        await using var requester = new Requester(controller, new RequesterOptions { Timeout = TimeSpan.FromSeconds(30) });
        var answers = new ConcurrentBag<string>();
        for (var i = 0; i < 20; i++)
        {
            answers.Add((await requester.RequestAsync("device_1/relay_1", "job", null, TestContext.Current.CancellationToken)).Text);
        }

        Assert.Equal(20, answers.Count);
        Assert.Equal(["first", "second"], answers.Distinct().Order());
    }

    [Fact]
    public async Task Mosquitto_rr_is_answered_by_our_responder()
    {
        await using var broker = await MosquittoBroker.StartAsync();
        await using var device = await RespondAsync(broker.Port, request => $"relay_1 is {request.Text}");

        var end = await Peer.RunAsync(
            "mosquitto_rr",
            [.. Peer.At(broker.Port), "-q", "1", "-t", "device_1/relay_1", "-e", "controller/answers", "-m", "on", "-W", "20"]);

        Assert.Equal((0, "relay_1 is on\n"), (end.ExitCode, end.Output));
    }

    private static Task<MqttClient> ConnectAsync(int port) =>
        MqttClient.ConnectAsync("127.0.0.1", port, TestContext.Current.CancellationToken);

    private static async Task<MqttClient> RespondAsync(int port, Func<Request, Reply> handler, RespondOptions? options = null)
    {
        var client = await ConnectAsync(port);
        await new Responder(client).RespondAsync("device_1/relay_1", handler, options, TestContext.Current.CancellationToken);
        return client;
    }
}
