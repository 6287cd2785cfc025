namespace Antiphon.Broker;

/// <summary>The broker could not start: a port cannot be listened on, or a file cannot be used. The message says which and why.</summary>
public sealed class BrokerStartException : Exception
{
    internal BrokerStartException(string message, Exception? cause = null)
        : base(message, cause)
    {
    }

    /// <summary>The name of the listener that cannot listen; <c>null</c>: it is about something else.</summary>
    public string? ListenerName { get; internal init; }
}
