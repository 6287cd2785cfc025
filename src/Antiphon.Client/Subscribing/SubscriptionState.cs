namespace Antiphon.Client.Subscribing;

/// <summary>How far a subscription has come.</summary>
internal enum SubscriptionState
{
    /// <summary>The SUBSCRIBE has not been written to this connection.</summary>
    Waiting,

    /// <summary>The SUBSCRIBE is on its way.</summary>
    Subscribing,

    /// <summary>The server has granted it.</summary>
    Active,

    /// <summary>The server refused to grant it again after a reconnect; it is asked for with the next one.</summary>
    Refused,

    /// <summary>Given up; the UNSUBSCRIBE may or may not have been written.</summary>
    Leaving,

    /// <summary>Over.</summary>
    Ended,
}
