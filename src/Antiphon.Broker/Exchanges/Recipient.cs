using Antiphon.Broker.Sessions;
using Antiphon.Broker.Timing;

namespace Antiphon.Broker.Exchanges;

/// <summary>How far a request has come with one of its recipients.</summary>
internal enum RecipientState : byte
{
    /// <summary>It waits in the Session's queue, and nothing of it was written to a connection.</summary>
    Queued,

    /// <summary>It was written to a connection, and may be being executed.</summary>
    Sent,

    /// <summary>As many Response Messages have come as the request allows.</summary>
    Answered,

    /// <summary>
    /// No Response Message will come: its Session has ended, it never got the request, or another recipient has taken its place.
    /// </summary>
    Gone,
}

/// <summary>
/// A Session that a request was delivered to and that may answer it. Its exchange keeps it for reuse:
/// whoever refers to it for longer than a call keeps its <see cref="Version"/> as well, and lets it be when that is another one.
/// </summary>
internal sealed class Recipient(Exchange exchange)
{
    public Exchange Exchange { get; } = exchange;

    /// <summary>Whose it is; <c>null</c>: it is not in use.</summary>
    public Session? Session { get; private set; }

    /// <summary>Whether its exchange is open; else it may be forgotten at any time.</summary>
    public bool IsOpen => Exchange.Requester is not null;

    /// <summary>How often it has been used up.</summary>
    public int Version { get; private set; }

    public RecipientState State { get; set; }

    /// <summary>Whether it counts as a responder; who only listens, with a wildcard at the beginning of the filter, does not.</summary>
    public bool IsResponder { get; set; }

    /// <summary>How many Response Messages may still come.</summary>
    public int Remaining { get; set; }

    /// <summary>How many Response Messages have come.</summary>
    public int Answers { get; set; }

    /// <summary>When the request was first written to its connection; <see cref="Instant.Never"/>: not yet.</summary>
    public Instant Sent { get; set; }

    /// <summary>Retries that it was given while it had the request: so many copies may be lost without its losing the permission.</summary>
    public int Spares { get; set; }

    /// <summary>The neighbours among those that the same Session has open; it is one of them while a Response Message may come.</summary>
    public Recipient? Previous { get; private set; }

    /// <inheritdoc cref="Previous"/>
    public Recipient? Next { get; private set; }

    private bool IsLinked => Previous is not null || Session?.FirstRecipient == this;

    public void Begin(Session session)
    {
        Session = session;
        Answers = 0;
        Sent = Instant.Never;
    }

    /// <summary>Puts it among those that its Session has open.</summary>
    public void Link()
    {
        if (!IsLinked)
        {
            Next = Session!.FirstRecipient;
            Next?.Previous = this;
            Session.FirstRecipient = this;
        }
    }

    public void Unlink()
    {
        if (!IsLinked)
        {
            return;
        }

        if (Previous is null)
        {
            Session!.FirstRecipient = Next;
        }
        else
        {
            Previous.Next = Next;
        }

        Next?.Previous = Previous;
        Previous = Next = null;
    }

    /// <summary>The exchange has ended.</summary>
    public void End()
    {
        Unlink();
        Session = null;
        Remaining = Spares = 0;
        Version++;
    }
}
