using Antiphon.Client;
using Antiphon.Protocol;

namespace Antiphon.Cli.Probing;

/// <summary>Finds out what a broker can: what it says in CONNACK, and where saying is not enough, by trying.</summary>
internal static class Probe
{
    /// <summary>The Keep Alive to ask for; a broker that wants a shorter one says so.</summary>
    public static readonly TimeSpan KeepAlive = TimeSpan.FromSeconds(ushort.MaxValue);

    // How long the QoS 2 handshake may take.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>Probes over a client that is connected, and as many others as it takes.</summary>
    /// <param name="client">Connected with <paramref name="options"/>.</param>
    /// <param name="options">How to connect.</param>
    /// <param name="time">The clock of the timeout.</param>
    /// <param name="cancellationToken">Ends the probe.</param>
    public static async Task<ProbeResult> RunAsync(
        MqttClient client, MqttClientOptions options, TimeProvider time, CancellationToken cancellationToken)
    {
        // Random, so that nobody is subscribed to it.
        var topic = $"antiphon/probe/{Guid.NewGuid():N}";
        var server = client.Server!;
        var information = string.IsNullOrEmpty(server.ResponseInformation) ? null : server.ResponseInformation;
        return new ProbeResult
        {
            Host = options.Host,
            Port = options.ServerPort,
            NoMatchingSubscribersInPuback = await PublishAsync(client, topic, QualityOfService.AtLeastOnce, cancellationToken),
            NoMatchingSubscribersInPubrec = server.MaximumQoS == QualityOfService.ExactlyOnce
                ? await PublishExactlyOnceAsync(client, topic, time, cancellationToken)
                : null,
            MaximumQos = (int)server.MaximumQoS,
            ResponseInformation = information,
            ResponseInformationDiffersByClient = information is null
                ? null
                : await IsAnotherGivenAsync(options, information, cancellationToken),
            SharedSubscriptions = server.SharedSubscriptionAvailable
                && await IsGrantedAsync(client, $"$share/probe/{topic}", cancellationToken),
            WildcardSubscriptions = server.WildcardSubscriptionAvailable && await IsGrantedAsync(client, $"{topic}/#", cancellationToken),
            SubscriptionIdentifiers = server.SubscriptionIdentifierAvailable,
            RetainedMessages = server.RetainAvailable,
            TopicAliasMaximum = server.TopicAliasMaximum,
            ReceiveMaximum = server.ReceiveMaximum,
            MaximumPacketSize = server.MaximumPacketSize,
            ServerKeepAlive = server.KeepAlive == options.KeepAlive ? null : (int)server.KeepAlive.TotalSeconds,
            SessionExpiryAskedFor = Seconds(options.SessionExpiry),
            SessionExpiry = Seconds(server.SessionExpiry),
        };
    }

    private static async Task<bool?> PublishAsync(
        MqttClient client, string topic, QualityOfService qos, CancellationToken cancellationToken)
    {
        try
        {
            var result = await client.PublishAsync(new ApplicationMessage { Topic = topic, QoS = qos }, cancellationToken);
            return result.NoMatchingSubscribers;
        }
        catch (RefusedException)
        {
            return null;
        }
    }

    private static async Task<bool?> PublishExactlyOnceAsync(
        MqttClient client, string topic, TimeProvider time, CancellationToken cancellationToken)
    {
        using var patience = new CancellationTokenSource(Patience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, patience.Token);
        try
        {
            return await PublishAsync(client, topic, QualityOfService.ExactlyOnce, either.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return null;
        }
    }

    private static async Task<bool> IsAnotherGivenAsync(MqttClientOptions options, string information, CancellationToken cancellationToken)
    {
        // The same Client Identifier would throw the first client out.
        await using var other = await MqttClient.ConnectAsync(options with { ClientId = null }, cancellationToken);
        return other.Server!.ResponseInformation != information;
    }

    private static async Task<bool> IsGrantedAsync(MqttClient client, string filter, CancellationToken cancellationToken)
    {
        try
        {
            await using var subscription = await client.SubscribeAsync(
                filter, (_, _) => ValueTask.CompletedTask, cancellationToken: cancellationToken);
            return true;
        }
        catch (RefusedException)
        {
            return false;
        }
    }

    private static double? Seconds(TimeSpan expiry) => expiry == Timeout.InfiniteTimeSpan ? null : expiry.TotalSeconds;
}
