using System.Runtime.CompilerServices;
using Antiphon.Broker.Sessions;

namespace Antiphon.Broker.Subscriptions;

/// <summary>
/// Where each Session stands among those that a walk has found. From some on they are in tables that grow one by one:
/// no turn pays for the growth of a table with a hundred thousand entries.
/// </summary>
internal sealed class FoundSessions
{
    private const int Few = 1024;
    private const int Parts = 256;

    private readonly Dictionary<Session, int> _few = [];
    private Dictionary<Session, int>?[]? _many;

    public bool TryGet(Session session, out int place)
    {
        if (_few.TryGetValue(session, out place))
        {
            return true;
        }

        return _many?[PartOf(session)] is { } part && part.TryGetValue(session, out place);
    }

    public void Add(Session session, int place)
    {
        if (_few.Count < Few)
        {
            _few.Add(session, place);
            return;
        }

        _many ??= new Dictionary<Session, int>?[Parts];
        (_many[PartOf(session)] ??= []).Add(session, place);
    }

    public void Clear()
    {
        _few.Clear();
        _many = null;
    }

    // The lower bits of the hash choose the place within a table.
    private static int PartOf(Session session) => RuntimeHelpers.GetHashCode(session) >> 8 & (Parts - 1);
}
