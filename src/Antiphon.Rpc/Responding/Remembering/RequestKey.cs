using System.Buffers.Binary;
using Antiphon.Protocol;

namespace Antiphon.Rpc.Responding.Remembering;

/// <summary>
/// By what a request is recognised when it comes again. MQTT does not make Correlation Data unique (MQTT 5 §3.3.2.3.6). So it is enough
/// only where the profile makes it so; a foreign request is the same one only if it has the same Packet Identifier within one Session
/// besides.
/// </summary>
internal readonly ref struct RequestKey
{
    // Registration, Session, Packet Identifier, and the lengths of Correlation Data and Response Topic.
    private const int HeadLength = 14;

    /// <summary>The number of the registration that it came to.</summary>
    public int Registration { get; init; }

    /// <summary>The number of the Session that it came in; 0 for a request of the profile.</summary>
    public int Session { get; init; }

    /// <summary>Its Packet Identifier; none for a request of the profile.</summary>
    public PacketIdentifier PacketIdentifier { get; init; }

    public ReadOnlySpan<byte> CorrelationData { get; init; }

    public ReadOnlySpan<byte> ResponseTopic { get; init; }

    /// <summary>The Topic Name; empty where the registration has only one.</summary>
    public ReadOnlySpan<byte> Topic { get; init; }

    /// <summary>A hash of all of the above.</summary>
    public ulong Hash { get; init; }

    /// <summary>A hash of the payload: of the same key, another payload is another request.</summary>
    public ulong PayloadHash { get; init; }

    /// <summary>
    /// Whether it means one request alone, for ever, as the profile has it; a Packet Identifier means another message some time later.
    /// </summary>
    public bool IsUnique => PacketIdentifier == PacketIdentifier.None;

    public int Length => HeadLength + CorrelationData.Length + ResponseTopic.Length + Topic.Length;

    /// <summary>The same with its hashes.</summary>
    public RequestKey WithHashes(ulong secret, scoped ReadOnlySpan<byte> payload)
    {
        Span<byte> head = stackalloc byte[HeadLength];
        WriteHead(head);
        var hash = new Fingerprint(secret);
        hash.Add(head);
        hash.Add(CorrelationData);
        hash.Add(ResponseTopic);
        hash.Add(Topic);
        var payloadHash = new Fingerprint(secret);
        payloadHash.Add(payload);
        return this with { Hash = hash.Value, PayloadHash = payloadHash.Value };
    }

    public void AppendTo(ref ByteChains.Place place)
    {
        Span<byte> head = stackalloc byte[HeadLength];
        WriteHead(head);
        place.Append(head);
        place.Append(CorrelationData);
        place.Append(ResponseTopic);
        place.Append(Topic);
    }

    /// <summary>Whether a key of the same length that was written there is this one.</summary>
    public bool Matches(ByteChains.Place place)
    {
        Span<byte> head = stackalloc byte[HeadLength];
        WriteHead(head);
        return place.Matches(head) && place.Matches(CorrelationData) && place.Matches(ResponseTopic) && place.Matches(Topic);
    }

    private void WriteHead(Span<byte> head)
    {
        BinaryPrimitives.WriteInt32LittleEndian(head, Registration);
        BinaryPrimitives.WriteInt32LittleEndian(head[4..], Session);
        BinaryPrimitives.WriteUInt16LittleEndian(head[8..], PacketIdentifier.Value);
        BinaryPrimitives.WriteUInt16LittleEndian(head[10..], (ushort)CorrelationData.Length);
        BinaryPrimitives.WriteUInt16LittleEndian(head[12..], (ushort)ResponseTopic.Length);
    }
}
