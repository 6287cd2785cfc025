using Antiphon.Protocol;

namespace Antiphon.Broker.Listing;

/// <summary>A retained message at one moment, without its payload. Immutable.</summary>
public sealed record RetainedSnapshot
{
    /// <summary>The Topic Name.</summary>
    public required string Topic { get; init; }

    /// <summary>The QoS that it was published with.</summary>
    public QualityOfService QoS { get; init; }

    /// <summary>How long its payload is.</summary>
    public int PayloadBytes { get; init; }

    /// <summary>Who published it; <c>null</c>: the broker, or a Will.</summary>
    public string? ClientId { get; init; }

    /// <summary>When it expires; <c>null</c>: never.</summary>
    public TimeSpan? ExpiresIn { get; init; }
}
