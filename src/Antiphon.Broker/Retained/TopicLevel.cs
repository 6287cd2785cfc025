using Antiphon.Broker.Messages;
using Antiphon.Broker.Timing;

namespace Antiphon.Broker.Retained;

/// <summary>
/// One level of the Topic Names that have a retained message at or below them.
/// It knows its parent and its neighbours, so a place in the tree is one reference.
/// </summary>
internal sealed class TopicLevel(TopicLevel? parent, byte[] name, int hash)
{
    public TopicLevel? Parent { get; } = parent;

    public byte[] Name { get; } = name;

    /// <summary>Of the whole path down to here.</summary>
    public int Hash { get; } = hash;

    /// <summary>The youngest of its children; the others follow by <see cref="Next"/>.</summary>
    public TopicLevel? FirstChild { get; private set; }

    public TopicLevel? Next { get; private set; }

    /// <summary>The retained message of the Topic Name that ends here; the level is one of its holders.</summary>
    public Message? Message { get; set; }

    /// <summary>Who published <see cref="Message"/>; <c>null</c>: a Will, or the broker.</summary>
    public RetainedPublisher? Publisher { get; set; }

    /// <summary>The how many-th stored message <see cref="Message"/> is.</summary>
    public long Number { get; set; }

    /// <summary>When <see cref="Message"/> expires; <c>null</c> until one of this Topic Name does.</summary>
    public Deadline? Deadline { get; set; }

    /// <summary>Walks that stand here: they find on from here, so the level stays.</summary>
    public int Walks { get; set; }

    /// <summary>Whether nothing needs it.</summary>
    public bool IsUnused => Message is null && FirstChild is null && Walks == 0 && Parent is not null;

    private TopicLevel? Previous { get; set; }

    public void Link()
    {
        Next = Parent!.FirstChild;
        if (Next is not null)
        {
            Next.Previous = this;
        }

        Parent.FirstChild = this;
    }

    public void Unlink()
    {
        if (Previous is null)
        {
            Parent!.FirstChild = Next;
        }
        else
        {
            Previous.Next = Next;
        }

        if (Next is not null)
        {
            Next.Previous = Previous;
        }
    }
}
