using Antiphon.Broker.Connections;
using Antiphon.Protocol.Packets;
using Antiphon.Protocol.Properties;

namespace Antiphon.Broker.Sessions;

/// <summary>
/// What Sessions hold in memory beside messages: Client Identifiers, Wills and subscriptions.
/// It takes a client few bytes to leave much of it behind, so all have a bound together, and none may hold more than a sixteenth of it.
/// In the sum a level of the tree that subscriptions share counts once. In a Session's own share it counts for each of them,
/// since who came first and who stays last makes no difference to what one client may ask for.
/// </summary>
internal sealed class SessionMemory(OptionsInForce options)
{
    private const int SessionSize = 512;
    private const int SubscriptionSize = 232;

    /// <summary>A level of the tree, with a table of children.</summary>
    private const int LevelSize = 336;

    private const int WillSize = 300;
    private const int StringSize = 24;

    /// <summary>What all Sessions hold, in bytes.</summary>
    public long Bytes { get; private set; }

    /// <summary>What a Session itself takes.</summary>
    public static long SizeOf(string clientId) => SessionSize + SizeOfText(clientId);

    /// <summary>What a subscription takes at most, with its levels in the tree.</summary>
    public static long SizeOf(string topicFilter, int levels) => SizeOfSubscription(topicFilter) + (long)levels * LevelSize;

    /// <summary>What a subscription takes without its levels.</summary>
    public static long SizeOfSubscription(string topicFilter) => SubscriptionSize + SizeOfText(topicFilter);

    /// <summary>What a Will takes.</summary>
    public static long SizeOf(Will? will) => will is not { Message: var message }
        ? 0
        : WillSize + SizeOfText(message.Topic) + SizeOfText(message.ResponseTopic) + SizeOfText(message.ContentType)
            + message.Payload.Length + (message.CorrelationData?.Length ?? 0)
            + SizeOf(message.UserProperties);

    /// <summary>What a CONNECT takes while it waits for who its client is.</summary>
    public static long SizeOf(ConnectPacket connect) =>
        SessionSize + SizeOfText(connect.ClientId) + SizeOfText(connect.UserName) + SizeOfText(connect.AuthenticationMethod)
            + (connect.Password?.Length ?? 0) + (connect.AuthenticationData?.Length ?? 0) + SizeOf(connect.Will)
            + SizeOf(connect.UserProperties);

    /// <summary>Whether a Session may take so many bytes more.</summary>
    /// <param name="session">The Session; <c>null</c>: one that is about to begin.</param>
    /// <param name="bytes">From <c>SizeOf</c>.</param>
    public bool HasRoom(Session? session, long bytes) =>
        Bytes + bytes <= options.Current.MaximumSessionBytes
        && (session?.HeldBytes ?? 0) + bytes <= options.Current.MaximumSessionBytes / 16;

    /// <summary>A Session takes so many bytes more; fewer, where it is negative.</summary>
    public void Add(Session session, long bytes) => Add(session, bytes, bytes);

    /// <summary>A Session takes so many bytes more; fewer, where it is negative.</summary>
    /// <param name="session">The Session.</param>
    /// <param name="bytes">What it takes alone.</param>
    /// <param name="share">The same with all that it shares with others.</param>
    public void Add(Session session, long bytes, long share)
    {
        Bytes += bytes;
        session.HeldBytes += share;
    }

    /// <summary>The client's Topic Aliases have come to take more, or less. They count until the connection ends.</summary>
    /// <returns><c>false</c>: there is no room for them.</returns>
    public bool TryHoldAliases(Connection connection, Session session)
    {
        var more = connection.IncomingAliases!.Bytes - connection.AliasBytes;
        if (!HasRoom(session, more))
        {
            return false;
        }

        Add(session, more);
        connection.AliasBytes += more;
        return true;
    }

    /// <summary>
    /// The Topic Aliases that are used towards the client are to take so many bytes more. They count until the connection ends.
    /// </summary>
    /// <returns><c>false</c>: there is no room for them, and nothing has changed.</returns>
    public bool TryHoldOutgoingAliases(Connection connection, long more)
    {
        var session = connection.Session!;
        if (more > 0 && !HasRoom(session, more))
        {
            return false;
        }

        Add(session, more);
        connection.OutgoingAliasBytes += more;
        return true;
    }

    /// <summary>So many bytes of what was held last are not needed.</summary>
    public void ReturnOutgoingAliases(Connection connection, long bytes)
    {
        Add(connection.Session!, -bytes);
        connection.OutgoingAliasBytes -= bytes;
    }

    /// <summary>The connection has ended, and the Topic Aliases of both directions with it.</summary>
    public void ReleaseAliases(Connection connection, Session session)
    {
        Add(session, -(connection.AliasBytes + connection.OutgoingAliasBytes));
        connection.AliasBytes = connection.OutgoingAliasBytes = 0;
        connection.IncomingAliases = null;
        connection.OutgoingAliases = null;
    }

    /// <summary>What Sessions share takes so many bytes more; fewer, where it is negative.</summary>
    public void AddShared(long bytes) => Bytes += bytes;

    /// <summary>The Session has ended.</summary>
    public void Release(Session session) => Add(session, -session.HeldBytes);

    private static long SizeOf(IReadOnlyList<UserProperty> properties) =>
        properties.Sum(property => 2L * IntPtr.Size + SizeOfText(property.Name) + SizeOfText(property.Value));

    private static long SizeOfText(string? text) => text is null ? 0 : StringSize + sizeof(char) * text.Length;
}
