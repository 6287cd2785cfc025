using Antiphon.Protocol;

namespace Antiphon.Client;

/// <summary>
/// What an operation of the client ends with when it did not work:
/// <see cref="ConnectionException"/>, <see cref="RefusedException"/>, <see cref="QueueFullException"/>
/// or <see cref="SessionStoreException"/>.
/// </summary>
public abstract class MqttException : Exception
{
    private protected MqttException(string message, Exception? innerException = null)
        : base(message, innerException)
    {
    }

    /// <summary>The Reason Code as text for a message, such as «NotAuthorized (0x87)».</summary>
    private protected static string Describe(ReasonCode code) => $"{code} (0x{(byte)code:X2})";
}
