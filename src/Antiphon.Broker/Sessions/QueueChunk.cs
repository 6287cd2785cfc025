namespace Antiphon.Broker.Sessions;

/// <summary>Some places of a <see cref="MessageQueue"/>, which has as many chunks as it needs.</summary>
internal sealed class QueueChunk
{
    public const int Length = 16;

    /// <summary>What it takes in memory, in bytes: two objects, and the places.</summary>
    public const int Size = 64 + Length * OutgoingMessage.Size;

    public OutgoingMessage[] Places { get; } = new OutgoingMessage[Length];

    /// <summary>The place of the oldest.</summary>
    public int Start { get; set; }

    /// <summary>Behind the place of the youngest.</summary>
    public int End { get; set; }

    /// <summary>The one behind it.</summary>
    public QueueChunk? Next { get; set; }
}
