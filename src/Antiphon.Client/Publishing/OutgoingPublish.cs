using Antiphon.Protocol;

namespace Antiphon.Client.Publishing;

/// <summary>A message to publish as bytes that are there already: what is written straight into the output, without an object per message.</summary>
internal readonly ref struct OutgoingPublish
{
    /// <summary>The Topic Name.</summary>
    public required string Topic { get; init; }

    /// <summary>The payload; copied before the call returns.</summary>
    public ReadOnlySpan<byte> Payload { get; init; }

    /// <summary>The encoded property section without its length, as in <see cref="Protocol.Packets.PublishView.Properties"/>; copied before the call returns.</summary>
    public ReadOnlySpan<byte> Properties { get; init; }

    /// <summary>QoS 0 to 2.</summary>
    public QualityOfService QoS { get; init; }

    /// <summary>The RETAIN flag.</summary>
    public bool Retain { get; init; }
}
