using System.Buffers.Text;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using Antiphon.Broker.Sessions;
using Antiphon.Broker.Subscriptions;

namespace Antiphon.Broker.ResponseTopics;

/// <summary>
/// Response topics that belong to one Session: <c>$reply/{token}</c> and all below it.
/// The token is 128 random bits, lasts as long as the Session, and is told to its client alone,
/// as Response Information (MQTT 5 §3.2.2.3.15). Nobody else can subscribe there, and no wildcard reaches it [MQTT-4.7.2-1].
/// A message finds its Session by one look-up.
/// </summary>
internal sealed class OwnResponseTopics
{
    private const int TokenBytes = 16;

    /// <summary>Base64url without padding.</summary>
    private const int TokenLength = 22;

    private readonly Action<Span<byte>> _fillRandom;
    private readonly Dictionary<byte[], Session> _owners;
    private readonly Dictionary<byte[], Session>.AlternateLookup<ReadOnlySpan<byte>> _lookup;

    public OwnResponseTopics(Utf8Comparer comparer, Action<Span<byte>> fillRandom)
    {
        _fillRandom = fillRandom;
        _owners = new Dictionary<byte[], Session>(comparer);
        _lookup = _owners.GetAlternateLookup<ReadOnlySpan<byte>>();
    }

    private static ReadOnlySpan<byte> Prefix => "$reply/"u8;

    private static int RootLength => Prefix.Length + TokenLength;

    /// <summary>Whether a Topic Name or a Topic Filter lies in the space of own response topics.</summary>
    public static bool Includes(ReadOnlySpan<byte> topicOrFilter) =>
        topicOrFilter.StartsWith(Prefix) || topicOrFilter.SequenceEqual(Prefix[..^1]);

    /// <summary>Gives the Session its own response topics, unless it has them.</summary>
    /// <returns>The Response Information.</returns>
    public string Grant(Session session)
    {
        if (session.ResponseTopicRoot is null)
        {
            Span<byte> token = stackalloc byte[TokenBytes];
            _fillRandom(token);
            var root = new byte[RootLength];
            Prefix.CopyTo(root);
            Base64Url.EncodeToUtf8(token, root.AsSpan(Prefix.Length));
            session.ResponseTopicRoot = root;
            _owners.Add(root, session);
        }

        return Encoding.UTF8.GetString(session.ResponseTopicRoot);
    }

    /// <summary>Whether a Topic Filter lies at or below the Session's own root.</summary>
    public static bool Owns(Session session, ReadOnlySpan<byte> filter) =>
        session.ResponseTopicRoot is { } root
            && filter.StartsWith(root)
            && (filter.Length == root.Length || filter[root.Length] == (byte)'/');

    public bool TryFindOwner(ReadOnlySpan<byte> topic, [NotNullWhen(true)] out Session? owner)
    {
        owner = null;
        return topic.Length >= RootLength
            && (topic.Length == RootLength || topic[RootLength] == (byte)'/')
            && _lookup.TryGetValue(topic[..RootLength], out owner);
    }

    /// <summary>The Session ends, and its topics with it.</summary>
    public void Revoke(Session session)
    {
        if (session.ResponseTopicRoot is { } root)
        {
            _owners.Remove(root);
        }
    }
}
