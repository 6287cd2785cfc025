namespace Antiphon.Client.Publishing;

/// <summary>What became of a PUBLISH in the moment in which it was handed over.</summary>
internal enum PublishStatus
{
    /// <summary>It did not happen and will not happen; the sink is not told.</summary>
    Failed,

    /// <summary>A QoS 0 message stands in the output. That is all that will be known of it; the sink is not told.</summary>
    Written,

    /// <summary>It stands in the output or waits for its turn. The sink will be told.</summary>
    Taken,
}

/// <summary>The beginning of a PUBLISH.</summary>
/// <param name="Status">What became of it so far.</param>
/// <param name="Handle">By what to withdraw it, where it was taken.</param>
/// <param name="Failure">Why it failed, where it did.</param>
internal readonly record struct PublishStart(PublishStatus Status, PublishHandle Handle, MqttException? Failure)
{
    public static PublishStart Written => new(PublishStatus.Written, default, null);

    public static PublishStart Taken(PendingPublish pending) => new(PublishStatus.Taken, new PublishHandle(pending, pending.Version), null);

    public static PublishStart Failed(MqttException failure) => new(PublishStatus.Failed, default, failure);
}

/// <summary>
/// One PUBLISH that was taken. What it refers to is used again; the version tells whether it still means the same PUBLISH.
/// </summary>
internal readonly struct PublishHandle(PendingPublish pending, uint version)
{
    /// <summary>The PUBLISH; <c>null</c>: it is over, or there never was one.</summary>
    public PendingPublish? Pending => pending is not null && pending.Version == version ? pending : null;

    /// <summary>Whether nothing of it has been written to a connection yet.</summary>
    public bool IsWaiting => Pending is { Progress: PublishProgress.Waiting };
}
