using System.Net;
using System.Security.Authentication;
using Antiphon.Broker;
using Antiphon.Broker.Listing;
using Antiphon.Protocol;

namespace Antiphon.Server.Administration;

/// <summary>What the admin endpoint says of a client that is connected, or of one that is shown whole.</summary>
internal sealed record ClientRow(
    string? ClientId,
    string? User,
    string? Address,
    string? Proxy,
    string Listener,
    string? Protocol,
    string? Tls,
    string? Certificate,
    double ConnectedSeconds,
    double SilentSeconds,
    double KeepAliveSeconds,
    long OutputBytes)
{
    public static ClientRow Of(ConnectionSnapshot connection) => new(
        connection.ClientId,
        connection.UserName,
        Text(connection.Origin.RemoteEndPoint),
        Text(connection.Origin.ProxyEndPoint),
        connection.Origin.Listener,
        connection.ProtocolVersion switch { ProtocolVersion.V5 => "5", ProtocolVersion.V311 => "3.1.1", _ => null },
        connection.Origin.TlsVersion switch { SslProtocols.Tls12 => "1.2", SslProtocols.Tls13 => "1.3", _ => null },
        connection.Origin.ClientCertificate?.Subject,
        Seconds(connection.OpenFor),
        Seconds(connection.SilentFor),
        Seconds(connection.KeepAlive),
        connection.OutputBytes);

    internal static double Seconds(TimeSpan span) => Math.Round(span.TotalSeconds, 3);

    private static string? Text(EndPoint? address) =>
        address is IPEndPoint ip ? new IPEndPoint(Plain(ip.Address), ip.Port).ToString() : address?.ToString();

    private static IPAddress Plain(IPAddress address) => address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
}

/// <summary>What it says of a Session; a time that is absent is for ever, or does not run.</summary>
internal sealed record SessionRow(
    string ClientId,
    string? User,
    bool Connected,
    int Subscriptions,
    int QueuedMessages,
    long QueuedBytes,
    int UnacknowledgedMessages,
    double? ExpirySeconds,
    double? EndsInSeconds,
    bool HasWill)
{
    public static SessionRow Of(SessionSnapshot session) => new(
        session.ClientId,
        session.UserName,
        session.IsConnected,
        session.Subscriptions,
        session.QueuedMessages,
        session.QueuedBytes,
        session.UnacknowledgedMessages,
        session.ExpiryInterval is { } interval ? ClientRow.Seconds(interval) : null,
        session.ExpiresIn is { } left ? ClientRow.Seconds(left) : null,
        session.HasWill);
}

/// <summary>What it says of a subscription.</summary>
internal sealed record SubscriptionRow(string ClientId, string TopicFilter, int Qos, bool Responder, bool Connected)
{
    public static SubscriptionRow Of(SubscriptionSnapshot subscription) => new(
        subscription.ClientId, subscription.TopicFilter, (int)subscription.QoS, subscription.IsResponder, subscription.IsConnected);
}

/// <summary>What it says of a retained message.</summary>
internal sealed record RetainedRow(string Topic, int Qos, int PayloadBytes, string? ClientId, double? ExpiresInSeconds)
{
    public static RetainedRow Of(RetainedSnapshot retained) => new(
        retained.Topic,
        (int)retained.QoS,
        retained.PayloadBytes,
        retained.ClientId,
        retained.ExpiresIn is { } left ? ClientRow.Seconds(left) : null);
}

/// <summary>A client whole: its Session, its connection if it is there, and some of its subscriptions.</summary>
internal sealed record ClientWhole(SessionRow Session, ClientRow? Connection, IReadOnlyList<SubscriptionRow> Subscriptions)
{
    public static ClientWhole Of(ClientSnapshot client) => new(
        SessionRow.Of(client.Session),
        client.Connection is null ? null : ClientRow.Of(client.Connection),
        [.. client.Subscriptions.Select(SubscriptionRow.Of)]);
}

/// <summary>How the broker is.</summary>
internal sealed record StatusRow(
    string State,
    string Version,
    double UptimeSeconds,
    IReadOnlyList<string> Listeners,
    long Connections,
    long Sessions,
    long Subscriptions,
    long OpenExchanges,
    long RetainedMessages,
    long RetainedBytes,
    long MessagesReceived,
    long MessagesSent,
    long BytesReceived,
    long BytesSent,
    long MessagesDropped,
    long ConnectionsRefused,
    long Defects)
{
    public static StatusRow Of(BrokerSnapshot snapshot, string state, string version, IReadOnlyList<string> listeners)
    {
        var counters = snapshot.Counters;
        return new StatusRow(
            state,
            version,
            ClientRow.Seconds(snapshot.Uptime),
            listeners,
            counters.Connections,
            counters.Sessions,
            counters.Subscriptions,
            counters.OpenExchanges,
            counters.RetainedMessages,
            counters.RetainedBytes,
            counters.MessagesReceived,
            counters.MessagesSent,
            counters.BytesReceived,
            counters.BytesSent,
            counters.DroppedSlowReader + counters.DroppedAway + counters.DroppedQueueFull + counters.DroppedMemoryShort
                + counters.DroppedWithSession + counters.Expired + counters.TooLargeForReceiver,
            counters.Refusals,
            counters.Defects);
    }
}

/// <summary>Why a request to the endpoint was not done, a sentence.</summary>
internal sealed record AdminError(string Error);
