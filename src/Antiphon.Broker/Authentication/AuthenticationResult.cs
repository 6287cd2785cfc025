using Antiphon.Broker.Access;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;

namespace Antiphon.Broker.Authentication;

/// <summary>
/// What has come of asking who a client is: it is accepted, refused, sent to another server, or asked for more. Immutable.
/// </summary>
public sealed class AuthenticationResult
{
    private AuthenticationResult(ReasonCode reasonCode) => ReasonCode = reasonCode;

    /// <summary>Success, 0x18 Continue authentication, or why not.</summary>
    public ReasonCode ReasonCode { get; }

    /// <summary>Who the client is; <c>null</c>: nobody in particular.</summary>
    public ClientUser? User { get; private init; }

    /// <summary>Authentication Data for the client; <c>null</c>: none.</summary>
    public ReadOnlyMemory<byte>? Data { get; private init; }

    /// <summary>Why it is refused, for the client to read; <c>null</c>: the Reason Code says enough.</summary>
    public string? ReasonString { get; private init; }

    /// <summary>The server to use instead; <c>null</c>: the client is to know by itself.</summary>
    public string? ServerReference { get; private init; }

    /// <summary>The client may connect; or, in re-authentication, stay.</summary>
    /// <param name="userName">
    /// Who it is. A Session belongs to the user whose client began it, and the broker lets nobody else have it.
    /// </param>
    /// <param name="data">The method's last data, for CONNACK or AUTH; only from an exchange.</param>
    public static AuthenticationResult Accept(string? userName = null, ReadOnlyMemory<byte>? data = null) =>
        new(ReasonCode.Success) { User = userName is null ? null : new ClientUser(userName), Data = data };

    /// <summary>The client may connect; or, in re-authentication, stay.</summary>
    /// <param name="user">Who it is, and what is known of them. A Session belongs to the user whose client began it.</param>
    /// <param name="data">The method's last data, for CONNACK or AUTH; only from an exchange.</param>
    public static AuthenticationResult Accept(ClientUser user, ReadOnlyMemory<byte>? data = null)
    {
        ArgumentNullException.ThrowIfNull(user);
        return new AuthenticationResult(ReasonCode.Success) { User = user, Data = data };
    }

    /// <summary>
    /// The exchange goes on: the client gets the data in AUTH with 0x18 and has to answer [MQTT-4.12.0-2]. Only from an exchange.
    /// </summary>
    /// <param name="data">The method's next data; <c>null</c>: none.</param>
    public static AuthenticationResult Continue(ReadOnlyMemory<byte>? data = null) =>
        new(ReasonCode.ContinueAuthentication) { Data = data };

    /// <summary>
    /// The client may not connect, or not stay. In re-authentication a code that DISCONNECT does not have is said as 0x87.
    /// </summary>
    /// <param name="reasonCode">One of CONNACK's, 0x80 or above (MQTT 5 §3.2.2.2).</param>
    /// <param name="reasonString">Why, for the client to read; it should not tell a wrong password from an unknown user.</param>
    /// <exception cref="ArgumentOutOfRangeException">CONNACK has no such code, or it is no refusal.</exception>
    public static AuthenticationResult Reject(ReasonCode reasonCode = ReasonCode.NotAuthorized, string? reasonString = null) =>
        reasonCode >= ReasonCode.UnspecifiedError && ConnAckPacket.CanSay(reasonCode, ProtocolVersion.V5)
            ? new AuthenticationResult(reasonCode) { ReasonString = reasonString }
            : throw new ArgumentOutOfRangeException(
                nameof(reasonCode), reasonCode, "A refusal is one of CONNACK's Reason Codes, 0x80 or above (MQTT 5 §3.2.2.2).");

    /// <summary>The client is to connect elsewhere (MQTT 5 §4.11).</summary>
    /// <param name="serverReference">Where, such as <c>other.example:1883</c>; <c>null</c>: it is to know by itself.</param>
    /// <param name="permanently">0x9D Server moved instead of 0x9C Use another server.</param>
    public static AuthenticationResult UseAnotherServer(string? serverReference, bool permanently = false) =>
        new(permanently ? ReasonCode.ServerMoved : ReasonCode.UseAnotherServer) { ServerReference = serverReference };
}
