using Antiphon.Client.Sessions;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;

namespace Antiphon.Client;

/// <summary>
/// The PUBACK that a QoS 1 message waits for. Acknowledgements leave in the order in which the messages arrived, whatever the order of completion
/// [MQTT-4.6.0-2]; one for an earlier connection is dropped, since the server sends that message again. Safe from any thread.
/// </summary>
public readonly struct Acknowledgement
{
    private readonly SharedSession? _session;
    private readonly uint _connection;
    private readonly uint _sequence;
    private readonly int _handler;

    internal Acknowledgement(SharedSession session, uint connection, uint sequence, int handler)
    {
        _session = session;
        _connection = connection;
        _sequence = sequence;
        _handler = handler;
    }

    /// <summary>Whether there is something to complete; not with QoS 0.</summary>
    public bool IsNeeded => _session is not null;

    /// <summary>Says that the message has been dealt with. Only the first call counts.</summary>
    /// <param name="code">Success, or one of the codes that PUBACK allows (MQTT 5 §3.4.2.1); from 0x80 on the server does not send the message again.</param>
    /// <exception cref="ArgumentException">PUBACK does not allow the code.</exception>
    public void Complete(ReasonCode code = ReasonCode.Success)
    {
        if (!ReasonCodes.IsAllowed(PacketType.PubAck, code))
        {
            throw new ArgumentException($"PUBACK has no Reason Code 0x{(byte)code:X2} (MQTT 5 §3.4.2.1).", nameof(code));
        }

        _session?.Complete(_connection, _sequence, _handler, code);
    }
}
