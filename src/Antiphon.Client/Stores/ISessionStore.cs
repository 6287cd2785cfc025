using Antiphon.Protocol;

namespace Antiphon.Client;

/// <summary>
/// Keeps a client's side of the Session (MQTT 5 §4.1) beyond the life of the program.
/// A client calls it under its own lock, one call at a time, and waits for it:
/// for as long as a call takes, every publisher of that client waits, of any QoS, and so do its receive loop and what it has to send.
/// A slow disk stalls all of them; a method that never returns stops the client. It must not call the client.
/// What it throws fails the publish in question, or is logged, and ends nothing else.
/// One client at a time may use a store, which stays the program's to dispose, after the client.
/// </summary>
public interface ISessionStore
{
    /// <summary>Reads what there is; called once, before anything else.</summary>
    /// <returns>The Session; <c>null</c>: none has begun.</returns>
    /// <remarks>What this or <see cref="Begin"/> throws, making the client fails with, as <see cref="SessionStoreException"/>.</remarks>
    StoredSession? Load();

    /// <summary>Forgets everything and notes that a new, empty Session begins.</summary>
    /// <param name="clientId">The Client Identifier, the key to the Session [MQTT-3.1.3-2].</param>
    /// <param name="version">The version that packets are written in.</param>
    void Begin(string clientId, ProtocolVersion version);

    /// <summary>Forgets everything; no Session is there afterwards.</summary>
    void Clear();

    /// <summary>A QoS 1 or 2 PUBLISH is about to be written for the first time; it may be sent only when this has returned.</summary>
    /// <param name="identifier">Its Packet Identifier, which no other PUBLISH here has.</param>
    /// <param name="packet">The whole packet, without DUP and without a Topic Alias; to be copied.</param>
    void AddPublish(PacketIdentifier identifier, ReadOnlySpan<byte> packet);

    /// <summary>PUBREC has come: the packet need not be kept, that the identifier waits for PUBCOMP has to be.</summary>
    /// <param name="identifier">The Packet Identifier of a QoS 2 PUBLISH that was added.</param>
    void ReleasePublish(PacketIdentifier identifier);

    /// <summary>The PUBLISH is over.</summary>
    /// <param name="identifier">Its Packet Identifier.</param>
    void RemovePublish(PacketIdentifier identifier);

    /// <summary>
    /// The handlers of a received QoS 2 message are done with it, before its PUBREC:
    /// it is not to be handled again until <see cref="RemoveReceived"/>.
    /// </summary>
    /// <param name="identifier">Its Packet Identifier.</param>
    void AddReceived(PacketIdentifier identifier);

    /// <summary>PUBREL has come: from now on the identifier means a new message.</summary>
    /// <param name="identifier">Its Packet Identifier.</param>
    void RemoveReceived(PacketIdentifier identifier);
}
