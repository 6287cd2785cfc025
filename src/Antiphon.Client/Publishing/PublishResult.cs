using Antiphon.Protocol;
using Antiphon.Protocol.Properties;

namespace Antiphon.Client;

/// <summary>How a PUBLISH went that the server took.</summary>
/// <param name="ReasonCode">
/// Success or <see cref="ReasonCode.NoMatchingSubscribers"/>; always Success with QoS 0, which nobody acknowledges.
/// </param>
public readonly record struct PublishResult(ReasonCode ReasonCode)
{
    private readonly IReadOnlyList<UserProperty>? _userProperties;

    /// <summary>What the server had to say about it, for people.</summary>
    public string? ReasonString { get; init; }

    /// <summary>User Properties of the PUBACK or PUBREC in their order; never <c>null</c>.</summary>
    public IReadOnlyList<UserProperty> UserProperties
    {
        get => _userProperties ?? [];
        init => _userProperties = value;
    }

    /// <summary>
    /// Whether the message had been sent over an earlier connection too: what the server says is true of the last time only.
    /// </summary>
    internal bool WasSentBefore { get; init; }

    /// <summary>Whether the server said that no subscription matches (MQTT 5 §3.4.2.1, §3.5.2.1). A server need not say so.</summary>
    public bool NoMatchingSubscribers => ReasonCode == ReasonCode.NoMatchingSubscribers;
}
