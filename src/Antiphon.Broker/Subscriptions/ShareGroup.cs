using Antiphon.Broker.Listing;

namespace Antiphon.Broker.Subscriptions;

/// <summary>The members of one shared subscription: each message goes to one of them (MQTT 5 §4.8.2).</summary>
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

    public bool IsEmpty => _connected.Count + _away.Count == 0;

    /// <summary>Whether the client of a member is connected.</summary>
    public bool HasConnected => _connected.Count > 0;

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

    /// <summary>A member's Session has ended. The member may be removed later, which then changes nothing.</summary>
    public void Leave(Subscription member)
    {
        Remove(member);
        member.HasLeft = true;
    }

    /// <summary>A member's client has gone, or is back.</summary>
    public void Move(Subscription member)
    {
        Remove(member);
        Add(member);
    }

    /// <summary>
    /// The connected member with the fewest messages to deal with; members equally busy take turns.
    /// One that may not be sent a packet of that size comes after those that may, and one that is away after those.
    /// </summary>
    /// <param name="size">What the message takes at most as a packet, in bytes.</param>
    public Subscription Choose(uint size)
    {
        var members = _connected.Count > 0 ? _connected : _away;
        var start = _next++ % members.Count;
        if (_next == int.MaxValue)
        {
            _next = 0;
        }

        if (members == _away)
        {
            return members[start];
        }

        Subscription? best = null;
        var bestLoad = int.MaxValue;
        var looks = Math.Min(members.Count, LookedAt);
        for (var i = 0; i < looks && (best is null || i < Compared) && bestLoad > 0; i++)
        {
            var member = members[(start + i) % members.Count];
            var session = member.Session;
            if (session.Connection!.MaximumPacketSize >= size && session.Load < bestLoad)
            {
                best = member;
                bestLoad = session.Load;
            }
        }

        return best ?? members[start];
    }
}
