using Antiphon.Client.Authentication;
using Antiphon.Client.Sessions;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;
using Antiphon.Protocol.Wire;

namespace Antiphon.Client.Connections;

/// <summary>
/// What the two ends say to each other about the connection itself: CONNACK, AUTH and the server's DISCONNECT
/// (MQTT 5 §3.2, §3.14, §3.15).
/// For the receive loop, but for what begins and ends the authentication.
/// </summary>
/// <param name="session">The Session that the connection is for.</param>
/// <param name="options">Checked options.</param>
/// <param name="connect">The first packet, without what an authentication adds.</param>
/// <param name="accept">The server has accepted.</param>
/// <param name="end">The connection has to end.</param>
/// <param name="ending">Fires when the connection ends.</param>
internal sealed class Greeting(
    ClientSession session,
    MqttClientOptions options,
    ConnectPacket connect,
    Action<ConnAckPacket> accept,
    Action<ConnectionEnd> end,
    CancellationToken ending)
{
    private readonly EnhancedAuthentication? _authentication =
        options.Authentication is { } exchanges ? new EnhancedAuthentication(exchanges, session, end, ending) : null;

    /// <summary>Whether the server has answered CONNECT, one way or the other.</summary>
    public bool IsAnswered { get; private set; }

    /// <summary>Whether the server has accepted the connection.</summary>
    public bool IsOver { get; private set; }

    /// <summary>Whether more than CONNECT may have been said, so that the server can be told of the end.</summary>
    public bool HasBegun => IsOver || _authentication is not null;

    /// <summary>Makes the first packet.</summary>
    public async ValueTask<ConnectPacket> BeginAsync() =>
        _authentication is null ? connect : await _authentication.BeginAsync(connect).ConfigureAwait(false);

    /// <summary>Authenticates again over this connection.</summary>
    public Task ReauthenticateAsync(CancellationToken cancellationToken) => _authentication is not null
        ? _authentication.ReauthenticateAsync(cancellationToken)
        : throw new InvalidOperationException(
            "MqttClientOptions.Authentication is null, so that there is no method to authenticate by again [MQTT-4.12.0-7].");

    /// <summary>The connection has ended, and with it what was being said.</summary>
    public async ValueTask EndAsync(ConnectionEnd why)
    {
        if (_authentication is not null)
        {
            await _authentication.EndAsync(why).ConfigureAwait(false);
        }
    }

    /// <summary>A packet arrived.</summary>
    /// <param name="frame">The packet.</param>
    /// <param name="fault">What is wrong with it, if it was for here.</param>
    /// <returns>Whether it was for here: it concerns the connection alone, or came before the server had accepted.</returns>
    public bool TryHandle(in Frame frame, out Fault fault)
    {
        switch (frame.Type)
        {
            case PacketType.ConnAck when !IsOver:
                fault = HandleConnAck(frame);
                return true;
            case PacketType.Auth when _authentication is not null:
                fault = PacketDecoder.TryDecode(frame, ProtocolVersion.V5, out var auth, out var malformed)
                    ? _authentication.Handle((AuthPacket)auth)
                    : malformed;
                return true;
            case var type when !IsOver:
                fault = Fault.Protocol($"The server's first packet is {type}, not CONNACK [MQTT-3.2.0-1].");
                return true;
            case PacketType.ConnAck:
                fault = Fault.Protocol("The server sent a second CONNACK [MQTT-3.2.0-2].");
                return true;
            case PacketType.PingResp:
                PacketDecoder.TryDecode(frame, options.ProtocolVersion, out _, out fault);
                return true;
            case PacketType.Disconnect when options.ProtocolVersion == ProtocolVersion.V5:
                fault = HandleDisconnect(frame);
                return true;
            default:
                fault = default;
                return false;
        }
    }

    private Fault HandleConnAck(in Frame frame)
    {
        if (!PacketDecoder.TryDecode(frame, options.ProtocolVersion, out var packet, out var fault))
        {
            return fault;
        }

        IsAnswered = true;
        var answer = (ConnAckPacket)packet;
        if (answer.ReasonCode >= ReasonCode.UnspecifiedError)
        {
            end(new ConnectionEnd($"The server refused the connection{Because(answer.ReasonString)}.")
            {
                ReasonCode = answer.ReasonCode,
                FromServer = true,
                ServerReference = answer.ServerReference,
                ReasonString = answer.ReasonString,
            });
            return default;
        }

        if (answer.SessionPresent && connect.CleanStart)
        {
            return Fault.Protocol("CONNACK says Session Present after Clean Start [MQTT-3.2.2-2, MQTT-3.2.2-4].");
        }

        if (_authentication is null && answer.AuthenticationMethod is not null)
        {
            return Fault.Protocol("CONNACK has an Authentication Method, CONNECT had none [MQTT-4.12.0-6].");
        }

        if (_authentication is not null && !_authentication.TryComplete(answer, out fault))
        {
            return fault;
        }

        if (answer.SessionPresent && !session.HasSession)
        {
            session.ForgetSession();
            const string Unknown = "The server has a Session of this Client Identifier that the SessionStore knows nothing of "
                + "[MQTT-3.2.2-4]. Connect once with CleanStart to throw it away.";
            end(new ConnectionEnd(Unknown) { CannotHeal = true });
            return default;
        }

        IsOver = true;
        accept(answer);
        return default;
    }

    private Fault HandleDisconnect(in Frame frame)
    {
        if (!PacketDecoder.TryDecode(frame, options.ProtocolVersion, out var packet, out var fault))
        {
            return fault;
        }

        var farewell = (DisconnectPacket)packet;
        if (!DisconnectPacket.ServerMaySay(farewell.ReasonCode))
        {
            return Fault.Protocol(
                $"The server's DISCONNECT has the Reason Code 0x{(byte)farewell.ReasonCode:X2}, "
                + "which only a client says (MQTT 5 §3.14.2.1).");
        }

        end(new ConnectionEnd($"The server ended the connection{Because(farewell.ReasonString)}.")
        {
            ReasonCode = farewell.ReasonCode,
            FromServer = true,
            ServerReference = farewell.ServerReference,
            ReasonString = farewell.ReasonString,
        });
        return default;
    }

    private static string Because(string? reasonString) => reasonString is null ? "" : $": {reasonString.TrimEnd('.')}";
}
