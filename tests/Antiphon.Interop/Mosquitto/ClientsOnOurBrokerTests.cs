using Antiphon.Broker;
using Antiphon.Client;
using Antiphon.Rpc;

namespace Antiphon.Interop.Mosquitto;

/// <summary>Debian's client programs talk to our broker.</summary>
public sealed class ClientsOnOurBrokerTests
{
    [Theory]
    [InlineData("0")]
    [InlineData("1")]
    public async Task Mosquitto_rr_is_answered_by_our_responder(string qos)
    {
        await using var broker = StartBroker();
        await using var device = await MqttClient.ConnectAsync("127.0.0.1", broker.Port, TestContext.Current.CancellationToken);
        await using var responder = new Responder(device);
        await responder.RespondAsync(
            "device_1/relay_1", request => $"relay_1 is {request.Text}", cancellationToken: TestContext.Current.CancellationToken);

        var end = await Peer.RunAsync(
            "mosquitto_rr",
            [.. Peer.At(broker.Port), "-q", qos, "-t", "device_1/relay_1", "-e", "controller/answers", "-m", "on", "-W", "20"]);

        Assert.Equal((0, "relay_1 is on\n"), (end.ExitCode, end.Output));
    }

    [Fact]
    public async Task Mosquitto_rr_gets_its_Correlation_Data_back()
    {
        await using var broker = StartBroker();
        await using var device = await MqttClient.ConnectAsync("127.0.0.1", broker.Port, TestContext.Current.CancellationToken);
        await using var responder = new Responder(device);
        await responder.RespondAsync("device_1/relay_1", request => request.Text, cancellationToken: TestContext.Current.CancellationToken);

        var end = await Peer.RunAsync(
            "mosquitto_rr",
            [
                .. Peer.At(broker.Port), "-q", "1", "-t", "device_1/relay_1", "-e", "controller/answers", "-m", "on", "-W", "20",
                "-D", "publish", "correlation-data", "exchange-7", "-F", "%t %D %p",
            ]);

        Assert.Equal((0, "controller/answers exchange-7 on\n"), (end.ExitCode, end.Output));
    }

    [Theory]
    [InlineData("0")]
    [InlineData("1")]
    public async Task Mosquitto_pub_reaches_mosquitto_sub(string qos)
    {
        await using var broker = StartBroker();
        await using var sub = Peer.StartLineByLine(
            "mosquitto_sub", [.. Peer.At(broker.Port), "-d", "-q", qos, "-t", "a/+/c", "-t", "other/#", "-C", "2", "-v"]);
        await sub.OutputLineAsync("Subscribed");

        var first = await Peer.RunAsync("mosquitto_pub", [.. Peer.At(broker.Port), "-q", qos, "-t", "a/b/c", "-m", "one"]);
        var second = await Peer.RunAsync("mosquitto_pub", [.. Peer.At(broker.Port), "-q", qos, "-t", "other", "-m", "two"]);
        var end = await sub.EndAsync();

        Assert.Equal((0, 0, 0), (first.ExitCode, second.ExitCode, end.ExitCode));
        Assert.Equal(["a/b/c one", "other two"], end.Lines.Where(line => line is "a/b/c one" or "other two"));
    }

    [Fact]
    public async Task Mosquitto_clients_see_User_Properties_in_their_order()
    {
        await using var broker = StartBroker();
        await using var sub = Peer.StartLineByLine(
            "mosquitto_sub", [.. Peer.At(broker.Port), "-d", "-t", "a", "-C", "1", "-F", "%P|%C|%R|%D|%p"]);
        await sub.OutputLineAsync("Subscribed");

        await Peer.RunAsync(
            "mosquitto_pub",
            [
                .. Peer.At(broker.Port), "-t", "a", "-m", "x",
                "-D", "publish", "user-property", "n", "1", "-D", "publish", "user-property", "n", "2",
                "-D", "publish", "content-type", "text/plain", "-D", "publish", "response-topic", "answers",
                "-D", "publish", "correlation-data", "7",
            ]);

        Assert.Equal("n:1 n:2|text/plain|answers|7|x", await sub.OutputLineAsync("|x"));
    }

    [Fact]
    public async Task A_thousand_messages_of_one_mosquitto_pub_arrive_in_order()
    {
        await using var broker = StartBroker();
        await using var sub = Peer.StartLineByLine(
            "mosquitto_sub", [.. Peer.At(broker.Port), "-d", "-q", "1", "-t", "numbers", "-C", "1000"]);
        await sub.OutputLineAsync("Subscribed");
        var lines = string.Concat(Enumerable.Range(0, 1000).Select(number => $"number {number}\n"));
        await using var pub = Peer.StartWithInput("mosquitto_pub", lines, [.. Peer.At(broker.Port), "-q", "1", "-t", "numbers", "-l"]);

        Assert.Equal(0, (await pub.EndAsync()).ExitCode);
        var received = (await sub.EndAsync()).Lines.Where(line => line.StartsWith("number ", StringComparison.Ordinal));

        Assert.Equal(Enumerable.Range(0, 1000).Select(number => $"number {number}"), received);
    }

    [Fact]
    public async Task Mosquitto_subs_of_one_share_group_each_get_a_part()
    {
        await using var broker = StartBroker();
        await using var first = Peer.StartLineByLine(
            "mosquitto_sub", [.. Peer.At(broker.Port), "-d", "-q", "1", "-t", "$share/workers/jobs", "-F", "got %p"]);
        await using var second = Peer.StartLineByLine(
            "mosquitto_sub", [.. Peer.At(broker.Port), "-d", "-q", "1", "-t", "$share/workers/jobs", "-F", "got %p"]);
        await first.OutputLineAsync("Subscribed");
        await second.OutputLineAsync("Subscribed");
        await using var publisher = await MqttClient.ConnectAsync("127.0.0.1", broker.Port, TestContext.Current.CancellationToken);
        for (var i = 0; i < 10; i++)
        {
            await publisher.PublishAsync(
                new Protocol.ApplicationMessage
                {
                    Topic = "jobs",
                    Payload = "job"u8.ToArray(),
                    QoS = Protocol.QualityOfService.AtLeastOnce,
                },
                TestContext.Current.CancellationToken);
        }

        await first.OutputLineAsync("got job");
        await second.OutputLineAsync("got job");
    }

    [Theory]
    [InlineData("5", "311")]
    [InlineData("311", "5")]
    [InlineData("311", "311")]
    public async Task Mosquitto_pub_and_mosquitto_sub_of_either_version_meet_with_each_QoS(string publishes, string subscribes)
    {
        await using var broker = StartBroker();
        await using var sub = Peer.StartLineByLine(
            "mosquitto_sub",
            "-V", subscribes, "-h", "127.0.0.1", "-p", $"{broker.Port}", "-d", "-q", "2", "-t", "a/+", "-C", "3", "-F", "%t %q %p");
        await sub.OutputLineAsync("Subscribed");

        foreach (var qos in new[] { "0", "1", "2" })
        {
            var end = await Peer.RunAsync(
                "mosquitto_pub", "-V", publishes, "-h", "127.0.0.1", "-p", $"{broker.Port}", "-q", qos, "-t", $"a/{qos}", "-m", "x");
            Assert.Equal(0, end.ExitCode);
        }

        Assert.Equal(
            ["a/0 0 x", "a/1 1 x", "a/2 2 x"],
            (await sub.EndAsync()).Lines.Where(line => line.StartsWith("a/", StringComparison.Ordinal)));
    }

    private static BrokerHost StartBroker() => BrokerHost.Start(new BrokerOptions { Port = 0 });
}
