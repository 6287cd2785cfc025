using Antiphon.Protocol;

namespace Antiphon.Client;

/// <summary>Where a client stands.</summary>
public enum ConnectionState
{
    /// <summary>The first connection is being made.</summary>
    Connecting,

    /// <summary>The server has accepted the connection.</summary>
    Connected,

    /// <summary>The connection was lost, or could not be made; the client tries again.</summary>
    Reconnecting,

    /// <summary>The end: disconnected, disposed, or refused in a way that no further try can mend.</summary>
    Stopped,
}

/// <summary>A step from one <see cref="ConnectionState"/> to the next.</summary>
/// <param name="State">The state that the client is in from now on.</param>
/// <param name="ReasonCode">
/// What the server or this client said about it in CONNACK or DISCONNECT; <c>null</c>: nobody said anything.
/// </param>
/// <param name="Exception">What ended the previous state; <c>null</c> when connected, and when stopped on request.</param>
/// <param name="SessionPresent">When connected: whether the server still had the Session (MQTT 5 §3.2.2.1.1).</param>
public sealed record ConnectionStateChange(ConnectionState State, ReasonCode? ReasonCode, Exception? Exception, bool SessionPresent);
