using Antiphon.Protocol.Packets;

namespace Antiphon.Broker.Sessions;

/// <summary>
/// What Sessions hold in memory beside messages: Client Identifiers, Wills and subscriptions.
/// It takes a client few bytes to leave much of it behind, so all have a bound together, and none may hold more than a sixteenth of it.
/// The sizes are estimates, rather too high: levels that subscriptions share count for each.
/// </summary>
internal sealed class SessionMemory(BrokerOptions options)
{
    private const int SessionSize = 500;
    private const int SubscriptionSize = 250;

    /// <summary>A level of the tree, with the dictionary in which it stands.</summary>
    private const int LevelSize = 336;

    private const int WillSize = 300;
    private const int StringSize = 24;

    private long _bytes;

    /// <summary>What a Session itself takes.</summary>
    public static long SizeOf(string clientId) => SessionSize + SizeOfText(clientId);

    /// <summary>What a subscription takes, with its levels in the tree.</summary>
    public static long SizeOf(string topicFilter, int levels) => SubscriptionSize + SizeOfText(topicFilter) + (long)levels * LevelSize;

    /// <summary>What a Will takes.</summary>
    public static long SizeOf(Will? will) => will is not { Message: var message }
        ? 0
        : WillSize + SizeOfText(message.Topic) + SizeOfText(message.ResponseTopic) + SizeOfText(message.ContentType)
            + message.Payload.Length + (message.CorrelationData?.Length ?? 0)
            + message.UserProperties.Sum(property => 2L * IntPtr.Size + SizeOfText(property.Name) + SizeOfText(property.Value));

    /// <summary>Whether a Session may take so many bytes more.</summary>
    /// <param name="session">The Session; <c>null</c>: one that is about to begin.</param>
    /// <param name="bytes">From <c>SizeOf</c>.</param>
    public bool HasRoom(Session? session, long bytes) =>
        _bytes + bytes <= options.MaximumSessionBytes && (session?.HeldBytes ?? 0) + bytes <= options.MaximumSessionBytes / 16;

    /// <summary>A Session takes so many bytes more; fewer, where it is negative.</summary>
    public void Add(Session session, long bytes)
    {
        _bytes += bytes;
        session.HeldBytes += bytes;
    }

    /// <summary>The Session has ended.</summary>
    public void Release(Session session) => Add(session, -session.HeldBytes);

    private static long SizeOfText(string? text) => text is null ? 0 : StringSize + sizeof(char) * text.Length;
}
