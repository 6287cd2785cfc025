using Antiphon.Cli.Publishing;
using Antiphon.Protocol;
using Antiphon.Protocol.Properties;

namespace Antiphon.Cli.Requests;

/// <summary>What <c>antiphon request</c> was asked to do.</summary>
internal sealed record RequestSettings
{
    public required string Topic { get; init; }

    public required Payload Payload { get; init; }

    public required TimeSpan Timeout { get; init; }

    public required QualityOfService QoS { get; init; }

    /// <summary>What the payload is; <c>null</c>: not said.</summary>
    public string? ContentType { get; init; }

    /// <summary>User Properties of every request.</summary>
    public IReadOnlyList<UserProperty> UserProperties { get; init; } = [];

    /// <summary>How many requests a second are begun; <c>null</c>: each as soon as <see cref="Concurrency"/> lets it.</summary>
    public double? Rate { get; init; }

    /// <summary>Whether each response time is said, and all percentiles.</summary>
    public bool Latency { get; init; }

    /// <summary>How many requests; <c>null</c>: one, and no summary.</summary>
    public int? Count { get; init; }

    /// <summary>How many of them at the same time.</summary>
    public required int Concurrency { get; init; }

    /// <summary>How many replies each request gathers; <c>null</c>: it has one response.</summary>
    public int? Replies { get; init; }
}
