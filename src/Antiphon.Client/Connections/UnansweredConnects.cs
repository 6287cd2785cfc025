using Antiphon.Protocol;

namespace Antiphon.Client.Connections;

/// <summary>
/// The CONNECTs of this client whose connections were given up before an answer came. A server that was slow may accept one of them later
/// than the connection after it, which then ends with 0x8E: the client has taken over its own Session, and must not stop because of it.
/// For the connection loop.
/// </summary>
/// <remarks>
/// Another program with the same Client Identifier cannot be told from that. So one CONNECT explains one 0x8E, and only one that comes
/// within the time in which a server answers CONNECT: two such programs cannot go on taking over from each other.
/// </remarks>
/// <param name="patience">How long an answer to CONNECT may take.</param>
internal sealed class UnansweredConnects(TimeSpan patience)
{
    /// <summary>A server that was away for long finds more of them, one right behind the other.</summary>
    private const int Most = 3;

    private int _count;
    private bool _cleanStart;

    /// <summary>One more was given up.</summary>
    /// <param name="cleanStart">Whether it asks for a new Session.</param>
    public void Add(bool cleanStart)
    {
        _count = Math.Min(_count + 1, Most);
        _cleanStart |= cleanStart;
    }

    /// <summary>Whether one of them may be why a connection has ended.</summary>
    /// <param name="end">Why the connection has ended.</param>
    /// <param name="connectedFor">For how long the server had accepted it; zero if it never had.</param>
    /// <param name="newSession">
    /// Whether it may have begun a new Session, which knows nothing of what this client had in the last one.
    /// </param>
    public bool Explain(ConnectionEnd end, TimeSpan connectedFor, out bool newSession)
    {
        if (connectedFor > patience)
        {
            _count = 0;
            _cleanStart = false;
        }

        var explains = _count > 0 && end is { FromServer: true, ReasonCode: ReasonCode.SessionTakenOver };
        newSession = explains && _cleanStart;
        if (explains && --_count == 0)
        {
            _cleanStart = false;
        }

        return explains;
    }
}
