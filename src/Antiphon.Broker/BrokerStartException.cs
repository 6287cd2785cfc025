namespace Antiphon.Broker;

/// <summary>The broker could not begin to listen; the message says why, where, and what to do.</summary>
public sealed class BrokerStartException : Exception
{
    internal BrokerStartException(string message, Exception? cause = null)
        : base(message, cause)
    {
    }
}
