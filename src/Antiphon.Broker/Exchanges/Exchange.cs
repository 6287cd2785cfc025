using Antiphon.Broker.Sessions;
using Antiphon.Broker.Timing;

namespace Antiphon.Broker.Exchanges;

/// <summary>
/// An open Exchange: a Request Message to be answered on an own response topic, and the Sessions that received it and may answer.
/// Its key, Response Topic and Correlation Data, also names the requester, since the topic belongs to one Session.
/// </summary>
internal sealed class Exchange
{
    /// <summary>
    /// From so many recipients on they are found by an index: a request to a hundred thousand must not compare each with all.
    /// </summary>
    private const int IndexedFrom = 16;

    private byte[] _key = [];
    private int _topicLength;
    private int _correlationLength;
    private Recipient?[] _recipients = new Recipient?[1];
    private int _recipientCount;
    private int _openCount;
    private int _openResponders;
    private bool _isAnsweredByResponder;
    private bool _isRetry;
    private int _openings;
    private int _observedSize;
    private Dictionary<Session, Recipient>? _index;

    public Exchange() => Deadline = new Deadline(this);

    public Deadline Deadline { get; }

    /// <summary>Whose request it is; <c>null</c> while it is not open.</summary>
    public Session? Requester { get; private set; }

    /// <summary>Where it stands among the open exchanges of its requester; <c>null</c> while it is not open.</summary>
    public RequesterShare? Share { get; set; }

    /// <summary>The neighbours in <see cref="Share"/>: the next older one.</summary>
    public Exchange? Previous { get; set; }

    /// <summary>The next younger one.</summary>
    public Exchange? Next { get; set; }

    /// <summary>The hash of its key.</summary>
    public int Hash { get; private set; }

    /// <summary>The next one in the same bucket of the <see cref="ExchangeIndex"/>.</summary>
    public Exchange? NextInBucket { get; set; }

    /// <summary>How many Response Messages the request asks each recipient for.</summary>
    public int Replies { get; private set; }

    /// <summary>How often it has been used up: whoever refers to it for longer than a call lets it be when this is another one.</summary>
    public int Version { get; private set; }

    /// <summary>Whether a request of it is being delivered: it is not settled before all its recipients are known.</summary>
    public bool IsOpening => _openings > 0;

    /// <summary>When its request came; known only where somebody observes.</summary>
    public Instant Requested { get; set; }

    /// <summary>What an observer keeps of its request; <c>null</c>: nobody observes it.</summary>
    public IObservedRequest? Observed { get; private set; }

    /// <summary>Those that have been given the request.</summary>
    public ReadOnlySpan<Recipient> Recipients => _recipients.AsSpan(0, _recipientCount)!;

    /// <summary>Whether somebody has answered in full, and nothing was asked since. That one need not count as a responder.</summary>
    public bool IsAnswered { get; private set; }

    /// <summary>
    /// Whether nobody may answer any more, or nobody that counts as a responder after one of them has answered: it is not kept open for
    /// who only listens.
    /// </summary>
    public bool IsSettled => _openCount == 0 || (_isAnsweredByResponder && _openResponders == 0);

    /// <summary>Sessions that have been given the request, whether they may still answer or not.</summary>
    public int RecipientCount => _recipientCount;

    /// <summary>What it takes in memory, in bytes, for the table's bound.</summary>
    public int Size => 300 + _key.Length + 92 * _recipients.Length + (_index is null ? 0 : 40 * _recipients.Length) + _observedSize;

    /// <summary>What of <see cref="Size"/> is counted in <see cref="Share"/>.</summary>
    public int Counted { get; set; }

    public bool IsKey(ReadOnlySpan<byte> topic, ReadOnlySpan<byte> correlation) =>
        topic.SequenceEqual(_key.AsSpan(0, _topicLength)) && correlation.SequenceEqual(_key.AsSpan(_topicLength, _correlationLength));

    public void Open(ReadOnlySpan<byte> topic, ReadOnlySpan<byte> correlation, int hash, Session requester)
    {
        Requester = requester;
        Hash = hash;
        _topicLength = topic.Length;
        _correlationLength = correlation.Length;
        if (_key.Length < topic.Length + correlation.Length)
        {
            _key = new byte[topic.Length + correlation.Length];
        }

        topic.CopyTo(_key);
        correlation.CopyTo(_key.AsSpan(topic.Length));
    }

    /// <summary>A request is about to be delivered: it waits for an answer, whether it is the first with this key or not.</summary>
    /// <param name="replies">How many Response Messages it asks each recipient for.</param>
    /// <param name="isRetry">Whether it came before, and is not one request more.</param>
    public void Begin(int replies, bool isRetry)
    {
        _openings++;
        IsAnswered = _isAnsweredByResponder = false;
        Replies = replies;
        _isRetry = isRetry;
    }

    /// <summary>
    /// A Session receives the request and may answer as often as it asks for. One request more adds to that (§3.3.2.3.6: neither
    /// Correlation Data nor Response Topic is unique); a retry does not.
    /// </summary>
    /// <param name="session">The Session.</param>
    /// <param name="isResponder">Whether it counts as a responder.</param>
    public Recipient Admit(Session session, bool isResponder) => Admit(session, isResponder, Replies, _isRetry);

    /// <summary>The request has been delivered to all that <see cref="Begin"/>, or <see cref="Move"/>, was about.</summary>
    public void EndOpening() => _openings--;

    /// <summary>The recipient that is this Session.</summary>
    public Recipient? Find(Session session)
    {
        if (_index is not null)
        {
            return _index.GetValueOrDefault(session);
        }

        foreach (var recipient in _recipients.AsSpan(0, _recipientCount))
        {
            if (recipient!.Session == session)
            {
                return recipient;
            }
        }

        return null;
    }

    /// <summary>A recipient sends a Response Message.</summary>
    /// <returns>Whether it may.</returns>
    public bool TryAnswer(Recipient recipient)
    {
        if (recipient.Remaining == 0)
        {
            return false;
        }

        recipient.Answers++;
        if (--recipient.Remaining == 0)
        {
            Finish(recipient, RecipientState.Answered);
        }

        return true;
    }

    /// <summary>The request was delivered to a recipient, or could not be. What was sent once stays so, whatever comes later.</summary>
    public void Delivered(Recipient recipient, RecipientState state, Instant now)
    {
        if (state == RecipientState.Gone)
        {
            LoseOne(recipient);
        }
        else if (recipient.Remaining > 0 && recipient.State != RecipientState.Sent)
        {
            recipient.State = state;
            recipient.Sent = state == RecipientState.Sent ? now : Instant.Never;
        }
    }

    /// <summary>No Response Message will come from a recipient any more.</summary>
    public void Lose(Recipient recipient)
    {
        if (recipient.Remaining > 0)
        {
            Finish(recipient, RecipientState.Gone);
        }
    }

    /// <summary>One copy of those under this key does not reach a recipient; while it has a retry of it, nothing is lost.</summary>
    public void LoseOne(Recipient recipient)
    {
        if (recipient.Spares > 0)
        {
            recipient.Spares--;
        }
        else if (recipient.Remaining > Replies)
        {
            recipient.Remaining -= Replies;
        }
        else
        {
            Lose(recipient);
        }
    }

    /// <summary>
    /// The request goes to another Session instead of a recipient that did not answer, or not in full:
    /// the permission goes with it, and the deadline stays. When it has been delivered, <see cref="ExchangeTable.Settle"/> is called.
    /// </summary>
    /// <param name="from">The recipient.</param>
    /// <param name="to">The other Session.</param>
    /// <param name="isResponder">Whether that one counts as a responder.</param>
    /// <returns>The new recipient; <c>null</c>: there is nothing left to answer.</returns>
    public Recipient? Move(Recipient from, Session to, bool isResponder)
    {
        var moved = Math.Min(from.Remaining, Replies);
        if (moved == 0)
        {
            return null;
        }

        _openings++;
        LoseOne(from);
        return Admit(to, isResponder, moved, isRetry: false);
    }

    /// <summary>An observer keeps something of the request while this is open.</summary>
    public void Observe(IObservedRequest? observed)
    {
        Observed = observed;
        _observedSize = observed?.Size ?? 0;
        Share!.Resize(this, Size);
    }

    /// <summary>It ends. It is used again once <see cref="TryEndRecipients"/> has come to an end.</summary>
    public void Close()
    {
        Version++;
        Requester = null;
        Observed = null;
        _observedSize = 0;
        _openings = _openCount = _openResponders = 0;
    }

    /// <summary>It has ended: forgets its recipients.</summary>
    /// <param name="steps">How many it may forget, and what was left of them.</param>
    /// <returns>Whether that was all.</returns>
    public bool TryEndRecipients(ref int steps)
    {
        for (; _recipientCount > 0; steps--)
        {
            if (steps <= 0)
            {
                return false;
            }

            _recipients[--_recipientCount]!.End();
        }

        _index = null;
        if (_recipients.Length > IndexedFrom)
        {
            // It is kept for reuse, and most exchanges have one recipient.
            _recipients = new Recipient?[1];
        }

        return true;
    }

    private Recipient Admit(Session session, bool isResponder, int messages, bool isRetry)
    {
        var recipient = Find(session) ?? Add(session);
        if (recipient.Remaining == 0)
        {
            // It has not got the request yet.
            recipient.State = RecipientState.Gone;
            recipient.IsResponder = isResponder;
            recipient.Remaining = messages;
            recipient.Link();
            _openCount++;
            _openResponders += isResponder ? 1 : 0;
        }
        else if (isRetry)
        {
            // Who has begun to answer may begin anew.
            recipient.Remaining = Math.Max(recipient.Remaining, messages);
            recipient.Spares++;
        }
        else
        {
            recipient.Remaining = (int)Math.Min(int.MaxValue, (long)recipient.Remaining + messages);
        }

        return recipient;
    }

    private Recipient Add(Session session)
    {
        if (_recipientCount == _recipients.Length)
        {
            Array.Resize(ref _recipients, 2 * _recipientCount);
        }

        var recipient = _recipients[_recipientCount++] ??= new Recipient(this);
        recipient.Begin(session);
        if (_index is not null)
        {
            _index.Add(session, recipient);
        }
        else if (_recipientCount == IndexedFrom)
        {
            _index = _recipients.Take(_recipientCount).ToDictionary(each => each!.Session!, each => each!);
        }

        return recipient;
    }

    private void Finish(Recipient recipient, RecipientState state)
    {
        recipient.Remaining = recipient.Spares = 0;
        recipient.State = state;
        IsAnswered |= state == RecipientState.Answered;
        recipient.Unlink();
        _openCount--;
        if (recipient.IsResponder)
        {
            _openResponders--;
            _isAnsweredByResponder |= state == RecipientState.Answered;
        }
    }
}
