using Antiphon.Broker.Sessions;
using Antiphon.Broker.Timing;

namespace Antiphon.Broker.Exchanges;

/// <summary>
/// An open Exchange: a Request Message to be answered on an own response topic, and the Sessions that received it and may answer.
/// Its key, Response Topic and Correlation Data, also names the requester, since the topic belongs to one Session.
/// </summary>
internal sealed class Exchange
{
    /// <summary>Longer keys are not tracked.</summary>
    public const int MaximumKeyLength = 256;

    /// <summary>From so many responders on they are found by an index: a request to a hundred thousand must not compare each with all.</summary>
    private const int IndexedFrom = 16;

    private byte[] _key = [];
    private int _keyLength;
    private Responder[] _responders = new Responder[1];
    private int _responderCount;
    private Dictionary<Session, int>? _index;

    public Exchange() => Deadline = new Deadline(this);

    public Deadline Deadline { get; }

    /// <summary>Whose request it is; <c>null</c> while it is not open.</summary>
    public Session? Requester { get; private set; }

    /// <summary>The neighbours among the open exchanges of its requester.</summary>
    public Exchange? Previous { get; set; }

    /// <inheritdoc cref="Previous"/>
    public Exchange? Next { get; set; }

    public ReadOnlySpan<byte> Key => _key.AsSpan(0, _keyLength);

    /// <summary>What it takes in memory, in bytes, for the table's bound.</summary>
    public int Size => 200 + _key.Length + 16 * _responders.Length + (_index is null ? 0 : 40 * _responders.Length);

    public void Open(ReadOnlySpan<byte> key, Session? requester)
    {
        Requester = requester;
        if (_key.Length < key.Length)
        {
            _key = new byte[key.Length];
        }

        key.CopyTo(_key);
        _keyLength = key.Length;
    }

    /// <summary>A Session received the request, for the first time or again: it may send so many Response Messages.</summary>
    public void Permit(Session responder, int messages)
    {
        var place = Find(responder);
        if (place >= 0)
        {
            _responders[place].Remaining = messages;
            return;
        }

        if (_responderCount == _responders.Length)
        {
            Array.Resize(ref _responders, 2 * _responderCount);
        }

        _responders[_responderCount] = new Responder { Session = responder, Remaining = messages };
        _index?.Add(responder, _responderCount);
        _responderCount++;
    }

    /// <summary>Another Session is to answer instead of one that did not, or not in full.</summary>
    public void Move(Session from, Session to)
    {
        var place = Find(from);
        if (place >= 0 && _responders[place].Remaining > 0)
        {
            var remaining = _responders[place].Remaining;
            _responders[place].Remaining = 0;
            Permit(to, remaining);
        }
    }

    /// <summary>A Session sends a Response Message.</summary>
    /// <returns>Whether it may.</returns>
    public bool TryUse(Session responder)
    {
        var place = Find(responder);
        return place >= 0 && _responders[place].Remaining > 0 && _responders[place].Remaining-- > 0;
    }

    /// <summary>Whether nobody may answer any more.</summary>
    public bool IsAnswered()
    {
        foreach (ref readonly var responder in _responders.AsSpan(0, _responderCount))
        {
            if (responder.Remaining > 0)
            {
                return false;
            }
        }

        return true;
    }

    public void Close()
    {
        Requester = null;
        _index = null;
        if (_responders.Length > IndexedFrom)
        {
            // It is kept for reuse, and most exchanges have one responder.
            _responders = new Responder[1];
        }
        else
        {
            _responders.AsSpan(0, _responderCount).Clear();
        }

        _responderCount = 0;
    }

    private int Find(Session responder)
    {
        if (_responderCount < IndexedFrom)
        {
            for (var i = 0; i < _responderCount; i++)
            {
                if (_responders[i].Session == responder)
                {
                    return i;
                }
            }

            return -1;
        }

        if (_index is null)
        {
            _index = new Dictionary<Session, int>(2 * _responderCount);
            for (var i = 0; i < _responderCount; i++)
            {
                _index.Add(_responders[i].Session, i);
            }
        }

        return _index.TryGetValue(responder, out var place) ? place : -1;
    }

    private struct Responder
    {
        public Session Session;
        public int Remaining;
    }
}
