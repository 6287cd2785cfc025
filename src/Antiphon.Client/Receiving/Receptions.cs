using System.Runtime.InteropServices;
using Antiphon.Protocol;

namespace Antiphon.Client.Receiving;

/// <summary>
/// The QoS 2 messages that the server has begun to deliver, by Packet Identifier, until their PUBREL:
/// none of them reaches a handler twice, whatever happens to connections meanwhile [MQTT-4.3.3-10]. Part of the Session.
/// Guarded by the gate of <see cref="Sessions.ClientSession"/>.
/// </summary>
internal sealed class Receptions
{
    private readonly Dictionary<PacketIdentifier, Reception> _all = [];
    private uint _lastToken;

    /// <summary>The identifiers of all of them.</summary>
    public IReadOnlyCollection<PacketIdentifier> Identifiers => _all.Keys;

    /// <summary>The message under that identifier; a null reference if there is none.</summary>
    public ref Reception Find(PacketIdentifier identifier) => ref CollectionsMarshal.GetValueRefOrNullRef(_all, identifier);

    /// <summary>A new message arrived.</summary>
    /// <param name="identifier">Its Packet Identifier, which no other has.</param>
    /// <param name="open">A bit for each handler that has to complete it.</param>
    public ref Reception Begin(PacketIdentifier identifier, ulong open)
    {
        ref var reception = ref CollectionsMarshal.GetValueRefOrAddDefault(_all, identifier, out _);
        reception = new Reception { Token = ++_lastToken, Open = open };
        return ref reception;
    }

    /// <summary>From now on the identifier means a new message [MQTT-4.3.3-9, MQTT-4.3.3-12].</summary>
    public void Forget(PacketIdentifier identifier) => _all.Remove(identifier);

    /// <summary>The server has lost the Session, and with it what its identifiers meant.</summary>
    public void Clear() => _all.Clear();
}

/// <summary>How far one QoS 2 message has come.</summary>
internal struct Reception
{
    /// <summary>Tells it from an earlier message with the same identifier.</summary>
    public uint Token;

    /// <summary>A bit for each handler that has not completed.</summary>
    public ulong Open;

    /// <summary>What PUBREC says; a failure of one handler stands.</summary>
    public ReasonCode Code;

    /// <summary>Whether its PUBREC has been written to any connection.</summary>
    public bool Recorded;

    /// <summary>Whether the store knows that its handlers are done with it.</summary>
    public bool Stored;

    /// <summary>The connection that <see cref="Place"/> belongs to.</summary>
    public uint Connection;

    /// <summary>Where its PUBREC stands in the order of that connection's acknowledgements.</summary>
    public uint Place;

    /// <summary>Whether its PUBREC is still to be written to that connection.</summary>
    public bool Waits;
}
