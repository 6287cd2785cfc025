using Antiphon.Broker.Buffers;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;

namespace Antiphon.Broker.Sessions;

/// <summary>How far the QoS 2 message behind a Packet Identifier of the client has come.</summary>
internal enum ReceivedStage : byte
{
    /// <summary>There is none: the identifier means a new message.</summary>
    None,

    /// <summary>It was received over an earlier connection; this one has not heard of it.</summary>
    Earlier,

    /// <summary>It was received; its PUBREC is withheld.</summary>
    Withheld,

    /// <summary>It was refused; the PUBREC that says so is withheld.</summary>
    WithheldRefusal,

    /// <summary>It was received, and PUBREC has been sent; what comes next is PUBREL.</summary>
    Received,
}

/// <summary>
/// The messages of a client that are not acknowledged in full: the identifiers of QoS 2 messages until their PUBREL,
/// which outlive the connection (MQTT 5 §4.1, §4.3.3), and the number of messages, which the broker's own Receive Maximum bounds.
/// </summary>
/// <param name="account">Where it counts.</param>
internal sealed class ReceiveWindow(MemoryAccount account)
{
    /// <summary>What one of its places takes in memory, in bytes: an entry of a dictionary, and its bucket.</summary>
    private const int PlaceSize = 16;

    private Dictionary<ushort, ReceivedStage>? _stages;
    private int _countedPlaces;

    /// <summary>
    /// QoS 1 messages of this connection without their PUBACK and QoS 2 messages without their PUBCOMP [MQTT-3.3.4-7].
    /// What an earlier connection left does not count: a new one begins with the whole Receive Maximum (MQTT 5 §4.9).
    /// </summary>
    public int Unfinished { get; private set; }

    public ReceivedStage StageOf(PacketIdentifier identifier) => _stages?.GetValueOrDefault(identifier.Value) ?? ReceivedStage.None;

    /// <summary>A message has been dealt with, but its acknowledgement has to wait.</summary>
    public void Withhold(PacketType answer, PacketIdentifier identifier, ReasonCode code)
    {
        Unfinished++;
        if (answer == PacketType.PubRec)
        {
            Set(identifier, IsRefusal(code) ? ReceivedStage.WithheldRefusal : ReceivedStage.Withheld);
        }
    }

    /// <summary>
    /// What kept an acknowledgement from being given to the <see cref="Publishing.AcknowledgementGate"/> is over, and it is about to be.
    /// </summary>
    public void TakeUp() => Unfinished--;

    /// <summary>An acknowledgement that was withheld is sent after all.</summary>
    public void EndWithholding(PacketType answer, PacketIdentifier identifier, ReasonCode code)
    {
        Unfinished--;
        Answer(answer, identifier, code);
    }

    /// <summary>A message is acknowledged. With a refusal the identifier is free again at once [MQTT-4.3.3-9].</summary>
    public void Answer(PacketType answer, PacketIdentifier identifier, ReasonCode code)
    {
        if (answer != PacketType.PubRec)
        {
            return;
        }

        if (IsRefusal(code))
        {
            _stages?.Remove(identifier.Value);
        }
        else
        {
            Set(identifier, ReceivedStage.Received);
            Unfinished++;
        }
    }

    /// <summary>PUBREL came: the identifier is free again [MQTT-4.3.3-12], unless its PUBREC is still withheld.</summary>
    /// <returns>How far the message had come.</returns>
    public ReceivedStage Release(PacketIdentifier identifier)
    {
        var stage = StageOf(identifier);
        if (stage is ReceivedStage.Received or ReceivedStage.Earlier)
        {
            _stages!.Remove(identifier.Value);
            Unfinished -= stage == ReceivedStage.Received ? 1 : 0;
        }

        return stage;
    }

    /// <summary>
    /// The Network Connection ended. What was received stays received; who was not told of a refusal does not know of it.
    /// </summary>
    public void ConnectionEnded()
    {
        Unfinished = 0;
        if (_stages is { Count: > 0 } stages)
        {
            foreach (var (identifier, stage) in stages)
            {
                if (stage == ReceivedStage.WithheldRefusal)
                {
                    stages.Remove(identifier);
                }
                else
                {
                    stages[identifier] = ReceivedStage.Earlier;
                }
            }
        }

        if (_stages is { Count: 0 })
        {
            GiveBack();
        }
    }

    /// <summary>Nothing in it is needed any more: it gives back what it takes.</summary>
    public void GiveBack()
    {
        _stages = null;
        CountPlaces();
    }

    private void Set(PacketIdentifier identifier, ReceivedStage stage)
    {
        var stages = _stages ??= [];
        stages[identifier.Value] = stage;
        if (stages.Capacity != _countedPlaces)
        {
            CountPlaces();
        }
    }

    private void CountPlaces()
    {
        var places = _stages?.Capacity ?? 0;
        account.Add((places - _countedPlaces) * (long)PlaceSize);
        _countedPlaces = places;
    }

    private static bool IsRefusal(ReasonCode code) => code >= ReasonCode.UnspecifiedError;
}
