namespace Antiphon.Broker.Retained;

/// <summary>Who published retained messages: all those of one Session have the same one, which counts once.</summary>
/// <param name="clientId">The Client Identifier.</param>
internal sealed class RetainedPublisher(string clientId)
{
    /// <summary>Two objects.</summary>
    private const int OwnSize = 56;

    public string ClientId { get; } = clientId;

    /// <summary>How many retained messages are its.</summary>
    public int Messages { get; set; }

    /// <summary>What it takes in memory, in bytes; the name is kept though its Session may have ended.</summary>
    public int Size => SizeOf(ClientId);

    public static int SizeOf(string clientId) => OwnSize + sizeof(char) * clientId.Length;
}
