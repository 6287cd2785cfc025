namespace Antiphon.Broker.Subscriptions;

/// <summary>The members of one shared subscription: each message goes to one of them (MQTT 5 §4.8.2).</summary>
/// <param name="name">The Share Name.</param>
internal sealed class ShareGroup(string name)
{
    /// <summary>So many members are compared for the least busy one; beyond that their order rotates, which spreads as well and costs no more.</summary>
    private const int Compared = 16;

    private readonly List<Subscription> _members = [];
    private int _next;

    public string Name { get; } = name;

    public bool IsEmpty => _members.Count == 0;

    /// <summary>Whether the client of a member is connected.</summary>
    public bool HasConnected => _members.Exists(member => member.Session.Connection is not null);

    public void Add(Subscription member) => _members.Join(member);

    public void Remove(Subscription member) => _members.Leave(member);

    /// <summary>
    /// The connected member with the fewest messages to deal with; members equally busy take turns. One that may not be sent a packet of that size comes after those that
    /// may, and one that is away after those.
    /// </summary>
    /// <param name="size">What the message takes at most as a packet, in bytes.</param>
    public Subscription Choose(uint size)
    {
        var start = _next++ % _members.Count;
        if (_next == int.MaxValue)
        {
            _next = 0;
        }

        Subscription? best = null;
        Subscription? narrow = null;
        var bestLoad = int.MaxValue;
        for (var i = 0; i < _members.Count && (best is null || i < Compared); i++)
        {
            var member = _members[(start + i) % _members.Count];
            if (member.Session.Connection is { } connection && connection.MaximumPacketSize < size)
            {
                narrow ??= member;
            }
            else if (member.Session.Connection is not null && member.Session.Load < bestLoad)
            {
                best = member;
                bestLoad = member.Session.Load;
                if (bestLoad == 0)
                {
                    break;
                }
            }
        }

        return best ?? narrow ?? _members[start];
    }
}
