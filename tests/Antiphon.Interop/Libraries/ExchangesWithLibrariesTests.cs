using System.Collections.Concurrent;
using Antiphon.Client;
using Antiphon.Interop.Scenarios;
using Antiphon.Protocol;
using Antiphon.Protocol.Properties;
using Antiphon.Rpc;

namespace Antiphon.Interop.Libraries;

/// <summary>Other libraries ask our responder and answer our requester, through our broker and through Debian's.</summary>
public sealed class ExchangesWithLibrariesTests(Peers peers)
{
    /// <summary>A name that comes twice, in its order, and a value outside ASCII.</summary>
    private static readonly UserProperty[] UserProperties = [new("step", "1"), new("step", "2"), new("room", "Küche")];

    public static MatrixTheoryData<Library, Middle, QualityOfService> Exchanges => new(
        [Library.Paho, Library.MqttJs, Library.PahoC],
        Enum.GetValues<Middle>(),
        [QualityOfService.AtMostOnce, QualityOfService.AtLeastOnce]);

    [Theory]
    [MemberData(nameof(Exchanges))]
    public async Task Another_librarys_requests_are_answered_by_our_responder(Library library, Middle middle, QualityOfService qos)
    {
        await using var scenario = await Scenario.BeginAsync(peers, library, middle);
        await using var device = await MqttClient.ConnectAsync("127.0.0.1", scenario.BrokerPort, TestContext.Current.CancellationToken);
        await using var responder = new Responder(device);
        var requests = new ConcurrentQueue<(IReadOnlyList<UserProperty> UserProperties, QualityOfService QoS)>();
        await responder.RespondAsync(
            scenario.Topic("relay_1"),
            request =>
            {
                requests.Enqueue((request.UserProperties, request.QoS));
                return Reply.FromText($"relay_1 is {request.Text}") with { UserProperties = request.UserProperties };
            },
            cancellationToken: TestContext.Current.CancellationToken);
        var controller = await scenario.CreateAsync(ProtocolVersion.V5, how => how with { RequestsResponseInformation = true });
        var responseTopic = $"{(await controller.ConnectAsync()).ResponseInformation ?? scenario.Topic("clients")}/answers";
        await controller.SubscribeAsync(responseTopic, qos);

        var payloads = new[] { "on", "off" };
        await Task.WhenAll(payloads.Select(payload => controller.PublishAsync(
            scenario.Topic("relay_1"),
            payload,
            qos,
            message => message with
            {
                ResponseTopic = responseTopic,
                CorrelationData = new byte[] { 0, 255, (byte)payload.Length },
                UserProperties = UserProperties,
            })));

        var responses = (await controller.ReceiveAsync(2)).OrderBy(response => response.Text).ToArray();
        Assert.Equal(["relay_1 is off", "relay_1 is on"], responses.Select(response => response.Text));
        Assert.Equal(["00FF03", "00FF02"], responses.Select(response => Convert.ToHexString(response.Message.CorrelationData!.Value.Span)));
        Assert.All(responses, response => Assert.Equal(UserProperties, response.Message.UserProperties.Where(IsOwn)));
        Assert.All(responses, response => Assert.Equal(qos, response.Message.QoS));
        Assert.Equal(2, requests.Count);
        Assert.All(requests, request => Assert.Equal(UserProperties, request.UserProperties));
        Assert.All(requests, request => Assert.Equal(qos, request.QoS));
    }

    [Theory]
    [MemberData(nameof(Exchanges))]
    public async Task Our_requests_are_answered_by_another_librarys_responder(Library library, Middle middle, QualityOfService qos)
    {
        await using var scenario = await Scenario.BeginAsync(peers, library, middle);
        var device = await scenario.ConnectAsync(ProtocolVersion.V5);
        await device.SubscribeAsync(scenario.Topic("relay_1"), qos);
        await using var controller = await MqttClient.ConnectAsync("127.0.0.1", scenario.BrokerPort, TestContext.Current.CancellationToken);
        await using var requester = new Requester(controller, new RequesterOptions { Timeout = TimeSpan.FromSeconds(30) });
        var options = new RequestOptions { QoS = qos, UserProperties = UserProperties };

        var answers = new[]
        {
            requester.RequestAsync(scenario.Topic("relay_1"), "on", options, TestContext.Current.CancellationToken).AsTask(),
            requester.RequestAsync(scenario.Topic("relay_1"), "off", options, TestContext.Current.CancellationToken).AsTask(),
        };
        var requests = await device.ReceiveAsync(2);
        foreach (var request in requests.Reverse())
        {
            await device.PublishAsync(
                request.Message.ResponseTopic!,
                $"{request.Text} it is",
                qos,
                message => message with
                {
                    CorrelationData = request.Message.CorrelationData,
                    UserProperties = request.Message.UserProperties,
                });
        }

        var responses = await Task.WhenAll(answers);
        Assert.Equal(["on it is", "off it is"], responses.Select(response => response.Text));
        Assert.All(responses, response => Assert.Equal(UserProperties, response.UserProperties.Where(IsOwn)));
        Assert.All(requests, request => Assert.Equal(UserProperties, request.Message.UserProperties.Where(IsOwn)));
        Assert.All(requests, request => Assert.Equal(qos, request.Message.QoS));
    }

    // Without those that requester and responder add for themselves.
    private static bool IsOwn(UserProperty property) =>
        !property.Name.StartsWith("__", StringComparison.Ordinal) && !property.Name.StartsWith("antiphon-", StringComparison.Ordinal);
}
