namespace Antiphon.Broker.Access;

/// <summary>What a rule lets clients do, or keeps them from. A rule may name several.</summary>
[Flags]
public enum Permissions
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>Publish a message without a Response Topic.</summary>
    Publish = 1,

    /// <summary>Subscribe.</summary>
    Subscribe = 2,

    /// <summary>Publish a Request Message: one with a Response Topic (MQTT 5 §4.10).</summary>
    Request = 4,

    /// <summary>Subscribe to get Request Messages, and answer them.</summary>
    Respond = 8,
}
