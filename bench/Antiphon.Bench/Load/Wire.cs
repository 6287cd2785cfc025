namespace Antiphon.Bench.Load;

/// <summary>A message that came, as it stands in the receive buffer.</summary>
internal unsafe struct Incoming
{
    /// <summary>Where the answer goes; 0 bytes: none is wanted.</summary>
    public byte* ReplyTo;
    public int ReplyToLength;

    /// <summary>The 16 bytes by which its sender knows it. The first 8 are the time of sending.</summary>
    public byte* Mark;
    public int MarkLength;
}

/// <summary>What is to be done about what comes over the connections. Called on the loop's thread.</summary>
internal interface ITraffic
{
    void Ready(LoadConnection connection);

    void Received(LoadConnection connection, in Incoming message, long now);

    /// <summary>The broker closed the connection.</summary>
    void Ended(LoadConnection connection);
}

/// <summary>What a broker speaks: MQTT 5, or the relay's frames.</summary>
internal abstract unsafe class Wire(int quality, int payloadLength)
{
    /// <summary>Correlation Data, or the beginning of a payload: the time of sending and a number.</summary>
    public const int MarkLength = 16;

    /// <summary>0 or 1.</summary>
    public int Quality => quality;

    /// <summary>Bytes of payload in every message.</summary>
    public int PayloadLength => payloadLength;

    /// <summary>Whether goodbye is the end of the stream, and no packet.</summary>
    public virtual bool LeavesByClosing => false;

    /// <summary>Says hello on a new connection.</summary>
    public abstract void Open(LoadConnection connection);

    /// <summary>Takes what came apart.</summary>
    /// <returns>How many bytes were whole packets.</returns>
    public abstract int Receive(LoadConnection connection, byte* bytes, int length, ITraffic traffic, long now);

    /// <summary>Appends the connection's message, marked with the time.</summary>
    public abstract void Publish(LoadConnection connection, long now);

    /// <summary>Appends the answer to a request.</summary>
    public abstract void Respond(LoadConnection connection, in Incoming request);

    /// <summary>Appends what says goodbye.</summary>
    public abstract void Leave(LoadConnection connection);
}
