using System.Text;
using Antiphon.Interop.Libraries;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;
using Antiphon.Rpc;

namespace Antiphon.Interop.Rules;

/// <summary>paho-mqtt and MQTT.js may do what the rules allow, and nothing else, however they come and whoever they are.</summary>
public sealed class RulesWithLibrariesTests(Peers peers, RuledBroker broker)
{
    private const int NotAuthorized = 0x87;
    private const int FailureOfVersion311 = 0x80;

    private static readonly Library[] Libraries = [Library.Paho, Library.MqttJs];

    public static TheoryData<Library, Visitor, Way, ProtocolVersion> Everybody =>
    [
        .. from library in Libraries
           from visitor in Enum.GetValues<Visitor>()
           from way in Enum.GetValues<Way>()
           where visitor != Visitor.Device || way != Way.Tcp
           from version in (ProtocolVersion[])[ProtocolVersion.V311, ProtocolVersion.V5]
           select (library, visitor, way, version),
    ];

    public static MatrixTheoryData<Library, Way> EveryWay => new(Libraries, Enum.GetValues<Way>());

    [Theory]
    [MemberData(nameof(Everybody))]
    public async Task Each_may_do_what_the_rules_allow_and_nothing_else(
        Library library, Visitor visitor, Way way, ProtocolVersion version)
    {
        var how = broker.Invite(visitor, library.ToString(), way, version);
        await using var client = await ConnectAsync(library, way, how);
        Attempt[] attempts =
        [
            .. RuleTable.Attempts(visitor, how.ClientId).Where(attempt => version == ProtocolVersion.V5 || !attempt.Requests),
        ];

        var told = new Dictionary<Attempt, string>();
        foreach (var attempt in attempts)
        {
            told[attempt] = attempt.Subscribes
                ? $"{await client.SubscribeAsync(attempt.Topic, new SubscriptionOptions(QualityOfService.AtLeastOnce), null)}"
                : await PublishAsync(client, attempt, how.ClientId);
        }

        await client.PublishAsync(Message("end/it", how.ClientId), null);
        var heard = await broker.HeardUntilAsync(how.ClientId, "end/it");

        Assert.Equal(attempts.Where(attempt => attempt.IsAllowed && !attempt.Subscribes).Select(attempt => attempt.Topic), heard);
        Assert.All(attempts, attempt => Assert.Equal((attempt, Expected(attempt, library, version)), (attempt, told[attempt])));
    }

    [Theory]
    [MemberData(nameof(EveryWay))]
    public async Task Who_got_a_request_by_a_rule_that_says_respond_may_answer_and_who_only_listens_may_not(Library library, Way way)
    {
        var topic = $"both/{library}/{way}";
        await using var listener = await ConnectAsync(library, way, Invite(Visitor.Ann));
        await using var responder = await ConnectAsync(library, way, Invite(Visitor.Bob));
        foreach (var client in (IPeerClient[])[listener, responder])
        {
            Assert.Equal(1, await client.SubscribeAsync(topic, new SubscriptionOptions(QualityOfService.AtLeastOnce), null));
        }

        await using var requester = new Requester(broker.Watcher);
        var patient = new RequestOptions { Timeout = Peers.Patience };
        var answer = requester.RequestAsync(topic, "on", patient, cancellationToken: TestContext.Current.CancellationToken).AsTask();

        // The wrong answer comes first, and is gone when the right one comes.
        var refused = await AnswerAsync(listener, "listener");
        Assert.Null(await AnswerAsync(responder, "responder"));

        Assert.Equal("responder", (await answer).Text);
        Assert.Equal(library == Library.MqttJs, refused is not null);

        Connecting Invite(Visitor visitor)
        {
            var how = broker.Invite(visitor, library.ToString(), way, ProtocolVersion.V5);
            return how with { ClientId = $"answering-{how.ClientId}" };
        }
    }

    private static async Task<string?> AnswerAsync(IPeerClient client, string text)
    {
        using var patience = new CancellationTokenSource(Peers.Patience);
        var request = Assert.IsType<Seen>(await client.Events.ReadAsync(patience.Token)).Message;
        return await RefusalOfAsync(client, new ApplicationMessage
        {
            Topic = request.ResponseTopic!,
            CorrelationData = request.CorrelationData,
            Payload = Encoding.UTF8.GetBytes(text),
            QoS = QualityOfService.AtLeastOnce,
        });
    }

    private static async Task<string> PublishAsync(IPeerClient client, Attempt attempt, string clientId)
    {
        var message = Message(attempt.Topic, clientId);
        return await RefusalOfAsync(client, attempt.Requests ? message with { ResponseTopic = "answers" } : message) ?? "done";
    }

    /// <summary>What MQTT.js says of a message that was refused; <c>null</c>: nothing, as paho-mqtt 1.6 always does.</summary>
    private static async Task<string?> RefusalOfAsync(IPeerClient client, ApplicationMessage message)
    {
        try
        {
            await client.PublishAsync(message, null);
            return null;
        }
        catch (InvalidOperationException refused) when (refused.Message.Contains("Not authorized", StringComparison.Ordinal))
        {
            return "Not authorized";
        }
    }

    private static string Expected(Attempt attempt, Library library, ProtocolVersion version)
    {
        var isVersion5 = version == ProtocolVersion.V5;
        return attempt switch
        {
            { Subscribes: true, IsAllowed: true } => "1",
            { Subscribes: true } => $"{(isVersion5 ? NotAuthorized : FailureOfVersion311)}",
            { IsAllowed: false } when library == Library.MqttJs && isVersion5 => "Not authorized",
            _ => "done",
        };
    }

    private static ApplicationMessage Message(string topic, string payload) =>
        new() { Topic = topic, Payload = Encoding.UTF8.GetBytes(payload), QoS = QualityOfService.AtLeastOnce };

    private async Task<IPeerClient> ConnectAsync(Library library, Way way, Connecting how)
    {
        var client = await peers.NewClientAsync(library);
        Assert.Equal(0, (await client.ConnectAsync(broker.PortOf(way), how)).Reason);
        return client;
    }
}
