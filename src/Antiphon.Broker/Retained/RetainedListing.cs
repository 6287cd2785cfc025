using System.Text;
using Antiphon.Broker.Listing;
using Antiphon.Broker.Timing;

namespace Antiphon.Broker.Retained;

/// <summary>
/// Goes through all retained messages for a listing, in slices, depth first. The level where it stands is kept for it,
/// whatever changes meanwhile. Owned by the engine's thread; it has to be ended.
/// </summary>
internal sealed class RetainedListing
{
    private readonly RetainedStore _store;
    private TopicLevel? _level;

    public RetainedListing(RetainedStore store)
    {
        _store = store;
        _level = store.Tree.Root;
        _level.Walks++;
    }

    /// <summary>Makes the rows of one turn.</summary>
    public Slice<RetainedSnapshot, int> Next(Instant now)
    {
        var rows = new List<RetainedSnapshot>();
        for (var steps = EngineListing.StepsPerTurn; _level is not null && steps > 0 && rows.Count < EngineListing.RowsPerTurn; steps--)
        {
            if (Following(_level) is not { } next)
            {
                End();
                break;
            }

            MoveTo(next);
            if (next.Message is { } message && message.Expires > now)
            {
                rows.Add(new RetainedSnapshot
                {
                    Topic = NameOf(next),
                    QoS = message.QoS,
                    PayloadBytes = message.Payload.Count,
                    ClientId = next.Publisher?.ClientId,
                    ExpiresIn = message.Expires == Instant.Never ? null : message.Expires - now,
                });
            }
        }

        return new(rows, _level is null ? null : 0);
    }

    /// <summary>Lists no more; also if it has come to an end already.</summary>
    public void End()
    {
        if (_level is { } left)
        {
            _level = null;
            left.Walks--;
            _store.Prune(left);
        }
    }

    private void MoveTo(TopicLevel level)
    {
        var left = _level!;
        level.Walks++;
        _level = level;
        left.Walks--;
        _store.Prune(left);
    }

    private static TopicLevel? Following(TopicLevel level)
    {
        if (level.FirstChild is { } child)
        {
            return child;
        }

        for (var above = level; above is not null; above = above.Parent)
        {
            if (above.Next is { } next)
            {
                return next;
            }
        }

        return null;
    }

    private static string NameOf(TopicLevel level)
    {
        var names = new Stack<string>();
        for (var each = level; each.Parent is not null; each = each.Parent)
        {
            names.Push(Encoding.UTF8.GetString(each.Name));
        }

        return string.Join('/', names);
    }
}
