using Antiphon.Protocol;
using Antiphon.Protocol.Packets;

namespace Antiphon.Client.Connections;

/// <summary>Why a Network Connection ended, or never came to be.</summary>
/// <param name="Message">A sentence for people.</param>
internal sealed record ConnectionEnd(string Message)
{
    /// <summary>A sentence for people, with one full stop at its end; what it cites of others may have one or none.</summary>
    public string Message
    {
        get;
        init => field = AsSentence(value);
    } = AsSentence(Message);

    /// <summary>The sentence, and the Reason Code where there is one.</summary>
    public string Text => ToException().Message;

    /// <summary>What CONNACK or DISCONNECT said, of either side.</summary>
    public ReasonCode? ReasonCode { get; init; }

    /// <summary>Whether <see cref="ReasonCode"/> came from the server.</summary>
    public bool FromServer { get; init; }

    public string? ServerReference { get; init; }

    /// <summary>What the server said about it in words.</summary>
    public string? ReasonString { get; init; }

    public Exception? Cause { get; init; }

    /// <summary>The DISCONNECT to send before closing; <c>null</c>: none.</summary>
    public DisconnectPacket? Farewell { get; init; }

    /// <summary>Whether this client has found out by itself that another try would end the same way.</summary>
    public bool CannotHeal { get; init; }

    /// <summary>
    /// Whether another try would be wrong: it cannot get better by itself, or, with Session taken over,
    /// two programs with one Client Identifier would fight for ever. <see cref="UnansweredConnects"/> knows the exception.
    /// </summary>
    public bool IsFinal => CannotHeal || (FromServer && ReasonCode is
        Protocol.ReasonCode.UnsupportedProtocolVersion
        or Protocol.ReasonCode.ClientIdentifierNotValid
        or Protocol.ReasonCode.BadUserNameOrPassword
        or Protocol.ReasonCode.NotAuthorized
        or Protocol.ReasonCode.Banned
        or Protocol.ReasonCode.BadAuthenticationMethod
        or Protocol.ReasonCode.SessionTakenOver);

    /// <summary>The server broke the rules.</summary>
    public static ConnectionEnd Violation(Fault fault) => new($"The server broke the protocol: {fault.Message}")
    {
        ReasonCode = fault.Code,
        Farewell = new DisconnectPacket { ReasonCode = fault.Code },
    };

    private static string AsSentence(string text) => text is [.., '!' or '?'] ? text : $"{text.TrimEnd('.', ' ')}.";

    public ConnectionException ToException(int unacknowledged = 0, bool sent = false) =>
        new(Message, ReasonCode, ServerReference, unacknowledged, sent, Cause)
        {
            FromServer = FromServer,
            ReasonString = ReasonString,
        };
}
