using Antiphon.Broker.Listing;

namespace Antiphon.Broker.Subscriptions;

/// <summary>
/// The members of one shared subscription: each message goes to one of them (MQTT 5 §4.8.2).
/// A Session may be a member of very many groups, so it may take a while until each has been told that its client has come or gone
/// (see <see cref="GroupMembers"/>). A member that is met in the wrong place meanwhile is put into the right one.
/// </summary>
/// <param name="name">The Share Name.</param>
internal sealed class ShareGroup(string name)
{
    /// <summary>
    /// So many members are compared for the least busy one; beyond that their order rotates, which spreads as well and costs no more.
    /// </summary>
    private const int Compared = 16;

    /// <summary>So many members are looked at for one that may be sent a packet of that size.</summary>
    internal const int LookedAt = 256;

    private readonly List<Subscription> _connected = [];
    private readonly List<Subscription> _away = [];
    private int _next;

    public string Name { get; } = name;

    /// <summary>Where it stands among the groups of its Topic Filter.</summary>
    public int Place { get; set; }

    /// <summary>Whether nobody has joined who has not left. Its last members may have ended all the same.</summary>
    public bool IsEmpty => _connected.Count + _away.Count == 0;

    /// <summary>Whether the client of a member is connected.</summary>
    public bool HasConnected
    {
        get
        {
            while (_connected.Count > 0 && _connected[^1].Session.Connection is null)
            {
                Update(_connected[^1]);
            }

            return _connected.Count > 0;
        }
    }

    public void Add(Subscription member)
    {
        member.IsAway = member.Session.Connection is null;
        (member.IsAway ? _away : _connected).Join(member);
    }

    public void Remove(Subscription member)
    {
        if (!member.HasLeft)
        {
            (member.IsAway ? _away : _connected).Leave(member);
        }
    }

    /// <summary>A member's client has gone or is back, or its Session has ended; nothing changes where that is known.</summary>
    public void Update(Subscription member)
    {
        if (member.Session.HasEnded)
        {
            // It may be removed later, which then changes nothing.
            Remove(member);
            member.HasLeft = true;
        }
        else if (member.IsAway != member.Session.Connection is null)
        {
            Remove(member);
            Add(member);
        }
    }

    /// <summary>
    /// The connected member with the fewest messages to deal with; members equally busy take turns.
    /// One that may not be sent a packet of that size comes after those that may, and one that is away after those.
    /// </summary>
    /// <param name="size">What the message takes at most as a packet, in bytes.</param>
    /// <returns>The member; <c>null</c>: there is none.</returns>
    public Subscription? Choose(uint size)
    {
        var turn = _next++;
        if (_next == int.MaxValue)
        {
            _next = 0;
        }

        Subscription? first = null;
        Subscription? best = null;
        var bestLoad = int.MaxValue;
        var start = _connected.Count == 0 ? 0 : turn % _connected.Count;
        for (var i = 0; i < Math.Min(_connected.Count, LookedAt) && (best is null || i < Compared) && bestLoad > 0;)
        {
            var member = _connected[(start + i) % _connected.Count];
            var session = member.Session;
            if (session.Connection is not { } connection)
            {
                // Another stands in its place from now on. Only Sessions in very many groups leave such members behind, so there are few.
                Update(member);
                continue;
            }

            i++;
            first ??= member;
            if (connection.MaximumPacketSize >= size && session.Load < bestLoad)
            {
                best = member;
                bestLoad = session.Load;
            }
        }

        return best ?? first ?? ChooseAway(turn);
    }

    private Subscription? ChooseAway(int turn)
    {
        while (_away.Count > 0)
        {
            var member = _away[turn % _away.Count];
            if (!member.Session.HasEnded)
            {
                return member;
            }

            Update(member);
        }

        return null;
    }
}
