
namespace Antiphon.Client.Output;

/// <summary>
/// What waits to be sent, bounded: one buffer is filled while the other is being sent. Beyond the bound publishers wait;
/// control packets, which the protocol itself bounds, do not. Guarded by the gate of <see cref="Sessions.ClientSession"/>,
/// but for the bytes between <see cref="Take"/> and <see cref="Sent"/>, which are the writer's.
/// </summary>
internal sealed class ConnectionOutput(int maximumBytes)
{
    private OutputBuffer _sending = new();

    /// <summary>The buffer to append to.</summary>
    public OutputBuffer Filling { get; private set; } = new();

    public bool IsEmpty => Filling.Length == 0;

    /// <summary>Whether a PUBLISH of that size may be appended; one longer than the whole bound goes out alone.</summary>
    public bool HasRoomFor(int size)
    {
        var queued = (long)Filling.Length + _sending.Length;
        return queued == 0 || queued + size <= maximumBytes;
    }

    /// <summary>Swaps the buffers and gives out everything there is. Ends with <see cref="Sent"/>.</summary>
    public ReadOnlyMemory<byte> Take()
    {
        (Filling, _sending) = (_sending, Filling);
        return _sending.Written;
    }

    public void Sent() => _sending.Clear();

    /// <summary>Forgets everything once the writer has ended.</summary>
    /// <returns>How many QoS 0 messages are lost with it.</returns>
    public int Reset()
    {
        var lost = Filling.AtMostOnceMessages + _sending.AtMostOnceMessages;
        Filling.Clear();
        _sending.Clear();
        return lost;
    }
}
