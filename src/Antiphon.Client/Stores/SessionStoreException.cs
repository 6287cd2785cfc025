namespace Antiphon.Client;

/// <summary>
/// The <see cref="MqttClientOptions.SessionStore"/> failed: the message in question has not been sent, or the client could not be made.
/// </summary>
public sealed class SessionStoreException : MqttException
{
    internal SessionStoreException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
