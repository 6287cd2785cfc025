using Antiphon.Protocol;

namespace Antiphon.Client.Publishing;

/// <summary>
/// A message to publish as bytes that are there already. It is written without an object for each message;
/// everything is copied before the call returns.
/// </summary>
internal readonly ref struct PublishContent
{
    /// <summary>The Topic Name in UTF-8, checked by the caller.</summary>
    public ReadOnlySpan<byte> Topic { get; init; }

    /// <summary>The payload.</summary>
    public ReadOnlySpan<byte> Payload { get; init; }

    /// <summary>The encoded property section without its length, as in <see cref="Protocol.Packets.PublishView.Properties"/>.</summary>
    public ReadOnlySpan<byte> Properties { get; init; }

    /// <summary>QoS 0 to 2.</summary>
    public QualityOfService QoS { get; init; }

    /// <summary>The RETAIN flag.</summary>
    public bool Retain { get; init; }

    /// <summary>
    /// Whether it is of no use without its sink, as a request is without the call: then it is not kept for a later client of the store.
    /// </summary>
    public bool IsForSinkOnly { get; init; }

    /// <summary>
    /// Whether it may wait where the queue is full: a few bytes that tell somebody why he gets no more. There is room for
    /// <see cref="MqttClientOptions.ReceiveMaximum"/> of them, of 1 KiB on average.
    /// </summary>
    public bool HasReservedPlace { get; init; }
}
