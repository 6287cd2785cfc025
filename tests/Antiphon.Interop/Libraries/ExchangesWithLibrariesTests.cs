using System.Collections.Concurrent;
using Antiphon.Broker;
using Antiphon.Client;
using Antiphon.Interop.Mosquitto;
using Antiphon.Protocol;
using Antiphon.Protocol.Properties;
using Antiphon.Rpc;

namespace Antiphon.Interop.Libraries;

/// <summary>Libraries of others ask our responder and answer our requester, through our broker and through Debian's.</summary>
public sealed class ExchangesWithLibrariesTests
{
    private const string Topic = "device_1/relay_1";

    /// <summary>What the scripts send too: a name that comes twice, in its order, and a value outside ASCII.</summary>
    private static readonly UserProperty[] UserProperties = [new("step", "1"), new("step", "2"), new("room", "Küche")];

    public static MatrixTheoryData<Library, Middle, QualityOfService> Exchanges => new(
        Enum.GetValues<Library>(), Enum.GetValues<Middle>(), [QualityOfService.AtMostOnce, QualityOfService.AtLeastOnce]);

    [Theory]
    [MemberData(nameof(Exchanges))]
    public async Task Another_librarys_requests_are_answered_by_our_responder(Library library, Middle middle, QualityOfService qos)
    {
        var (broker, port) = await StartAsync(middle);
        await using var _ = broker;
        await using var device = await MqttClient.ConnectAsync("127.0.0.1", port, TestContext.Current.CancellationToken);
        await using var responder = new Responder(device);
        var requests = new ConcurrentQueue<Request>();
        await responder.RespondAsync(
            Topic,
            request =>
            {
                requests.Enqueue(request);
                return Reply.FromText($"relay_1 is {request.Text}") with { UserProperties = request.UserProperties };
            },
            cancellationToken: TestContext.Current.CancellationToken);

        await using var requester = await LibraryPeer.StartRequesterAsync(library, port, qos, Topic, "on", "off");
        var end = await requester.EndAsync();

        Assert.True(end.ExitCode == 0, end.Errors);
        var responses = end.Lines.Select(LibraryPeer.Read).OrderBy(response => response.CorrelationData).ToArray();
        Assert.Equal([("relay_1 is on", "00ff00"), ("relay_1 is off", "00ff01")], responses.Select(response => (response.Payload, response.CorrelationData)));
        Assert.All(responses, response => Assert.Equal(UserProperties, response.OwnUserProperties));
        Assert.All(responses, response => Assert.Equal((int)qos, response.Qos));
        Assert.Equal(2, requests.Count);
        Assert.All(requests, request => Assert.Equal(UserProperties, request.UserProperties));
        Assert.All(requests, request => Assert.Equal(qos, request.QoS));
    }

    [Theory]
    [MemberData(nameof(Exchanges))]
    public async Task Our_requests_are_answered_by_another_librarys_responder(Library library, Middle middle, QualityOfService qos)
    {
        var (broker, port) = await StartAsync(middle);
        await using var _ = broker;
        await using var responder = await LibraryPeer.StartResponderAsync(library, port, qos, Topic);
        await using var controller = await MqttClient.ConnectAsync("127.0.0.1", port, TestContext.Current.CancellationToken);
        await using var requester = new Requester(controller, new RequesterOptions { Timeout = TimeSpan.FromSeconds(30) });
        var options = new RequestOptions { QoS = qos, UserProperties = UserProperties };

        var responses = await Task.WhenAll(
            requester.RequestAsync(Topic, "on", options, TestContext.Current.CancellationToken).AsTask(),
            requester.RequestAsync(Topic, "off", options, TestContext.Current.CancellationToken).AsTask());

        Assert.Equal([Name(library, "on"), Name(library, "off")], responses.Select(response => response.Text));
        Assert.All(responses, response => Assert.Equal(UserProperties, response.UserProperties.Where(SeenMessage.IsOwn)));
        var on = LibraryPeer.Read(await responder.OutputLineAsync("\"on\""));
        var off = LibraryPeer.Read(await responder.OutputLineAsync("\"off\""));
        Assert.Equal([on.CorrelationData, off.CorrelationData], responses.Select(response => Convert.ToHexStringLower(response.CorrelationData.Span)));
        Assert.NotEqual(on.CorrelationData, off.CorrelationData);
        Assert.All([on, off], request => Assert.Equal(UserProperties, request.OwnUserProperties));
        Assert.All([on, off], request => Assert.Equal((int)qos, request.Qos));
    }

    private static string Name(Library library, string payload) => $"{payload} by {(library == Library.Paho ? "paho" : "mqtt.js")}";

    private static async Task<(IAsyncDisposable Broker, int Port)> StartAsync(Middle middle)
    {
        if (middle == Middle.Mosquitto)
        {
            var mosquitto = await MosquittoBroker.StartAsync();
            return (mosquitto, mosquitto.Port);
        }

        var own = BrokerHost.Start(new BrokerOptions { Port = 0 });
        return (own, own.Port);
    }
}
