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

    private byte[] _key = [];
    private int _keyLength;
    private Responder[] _responders = new Responder[1];
    private int _responderCount;

    public Exchange() => Deadline = new Deadline(this);

    public Deadline Deadline { get; }

    public ReadOnlySpan<byte> Key => _key.AsSpan(0, _keyLength);

    /// <summary>What it takes in memory, in bytes, for the table's bound.</summary>
    public int Size => 160 + _key.Length + 16 * _responders.Length;

    public void Open(ReadOnlySpan<byte> key)
    {
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
        for (var i = 0; i < _responderCount; i++)
        {
            if (_responders[i].Session == responder)
            {
                _responders[i].Remaining = messages;
                return;
            }
        }

        if (_responderCount == _responders.Length)
        {
            Array.Resize(ref _responders, 2 * _responderCount);
        }

        _responders[_responderCount++] = new Responder { Session = responder, Remaining = messages };
    }

    /// <summary>A Session sends a Response Message.</summary>
    /// <returns>Whether it may.</returns>
    public bool TryUse(Session responder)
    {
        for (var i = 0; i < _responderCount; i++)
        {
            if (_responders[i].Session == responder)
            {
                return _responders[i].Remaining > 0 && _responders[i].Remaining-- > 0;
            }
        }

        return false;
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
        _responders.AsSpan(0, _responderCount).Clear();
        _responderCount = 0;
    }

    private struct Responder
    {
        public Session Session;
        public int Remaining;
    }
}
