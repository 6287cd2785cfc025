namespace Antiphon.Broker;

/// <summary>Which message goes when one more is to wait in a Session whose queue is full.</summary>
public enum QueueOverflow
{
    /// <summary>The one that came last: what waits keeps its place.</summary>
    DiscardNewest,

    /// <summary>Those that have waited longest, until there is room for the one that came last.</summary>
    DiscardOldest,
}
