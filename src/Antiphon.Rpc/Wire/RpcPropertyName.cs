using Antiphon.Protocol.Properties;

namespace Antiphon.Rpc.Wire;

/// <summary>
/// The names of the User Properties that requests and responses carry.
/// Those that begin with two underscores are the RPC 1.0 profile of Azure IoT Operations;
/// those that begin with <c>antiphon-</c> are our additions, which a peer may leave out.
/// </summary>
internal static class RpcPropertyName
{
    /// <summary>SUBSCRIBE, value «1»: who subscribes answers the requests that match.</summary>
    public const string Respond = "antiphon-respond";

    /// <summary>Response: how it went, an HTTP status code in decimal.</summary>
    public static ReadOnlySpan<byte> Status => "__stat"u8;

    /// <summary>Response: a sentence beside the status.</summary>
    public static ReadOnlySpan<byte> StatusMessage => "__stMsg"u8;

    /// <summary>Response: «true» when the error is the application's own.</summary>
    public static ReadOnlySpan<byte> ApplicationError => "__apErr"u8;

    /// <summary>Response: which property of the request was missing or not valid.</summary>
    public static ReadOnlySpan<byte> InvalidPropertyName => "__propName"u8;

    /// <summary>Response: what that property held.</summary>
    public static ReadOnlySpan<byte> InvalidPropertyValue => "__propVal"u8;

    /// <summary>Both: the version of the profile.</summary>
    public static ReadOnlySpan<byte> ProtocolVersion => "__protVer"u8;

    /// <summary>Request: who asks, the Client Identifier of the requester.</summary>
    public static ReadOnlySpan<byte> Source => "__srcId"u8;

    /// <summary>
    /// Request: exact milliseconds that the requester still waits, beside the whole seconds of the Message Expiry Interval.
    /// </summary>
    public static ReadOnlySpan<byte> Timeout => "antiphon-timeout-ms"u8;

    /// <summary>Response with status 429 or 503: milliseconds after which to ask again.</summary>
    public static ReadOnlySpan<byte> RetryAfter => "antiphon-retry-after-ms"u8;

    /// <summary>Response made by the broker: why.</summary>
    public static ReadOnlySpan<byte> Reason => BrokerPropertyName.Reason;

    /// <summary>Value of <see cref="Reason"/>, status 503: no subscription matches the request.</summary>
    public static ReadOnlySpan<byte> NoResponders => "no-responders"u8;

    /// <summary>Value of <see cref="Reason"/>, status 502: everyone who got the request has gone without an answer.</summary>
    public static ReadOnlySpan<byte> ResponderGone => "responder-gone"u8;

    /// <summary>The value of <see cref="ProtocolVersion"/> that is sent.</summary>
    public static ReadOnlySpan<byte> Version => "1.0"u8;
}
