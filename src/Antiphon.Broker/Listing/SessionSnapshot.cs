namespace Antiphon.Broker.Listing;

/// <summary>A Session at one moment. Immutable.</summary>
public sealed record SessionSnapshot
{
    /// <summary>The Client Identifier.</summary>
    public required string ClientId { get; init; }

    /// <summary>Whose it is, as the last CONNECT has proved; <c>null</c>: nobody's in particular.</summary>
    public string? UserName { get; init; }

    /// <summary>Whether its client is connected.</summary>
    public bool IsConnected { get; init; }

    /// <summary>How many subscriptions it has.</summary>
    public int Subscriptions { get; init; }

    /// <summary>QoS 1 and QoS 2 messages that wait to be sent.</summary>
    public int QueuedMessages { get; init; }

    /// <summary>Bytes of those, whether other Sessions share them or not.</summary>
    public long QueuedBytes { get; init; }

    /// <summary>Messages that were sent over this connection and are not acknowledged in full.</summary>
    public int UnacknowledgedMessages { get; init; }

    /// <summary>How long it outlives its connection; <c>null</c>: for ever.</summary>
    public TimeSpan? ExpiryInterval { get; init; }

    /// <summary>When it ends if its client stays away; <c>null</c>: the client is connected, or it never ends.</summary>
    public TimeSpan? ExpiresIn { get; init; }

    /// <summary>Whether a Will is published if the client goes without a goodbye, or stays away.</summary>
    public bool HasWill { get; init; }
}
