using Antiphon.Broker.Buffers;
using Antiphon.Broker.Timing;
using Antiphon.Protocol.Packets;

namespace Antiphon.Broker.Messages;

/// <summary>Where waiting messages come from and go back to, so that a steady flow of them allocates nothing.</summary>
/// <param name="buffers">Where their bytes live.</param>
internal sealed class MessagePool(BufferPool buffers)
{
    private const int Kept = 16_384;

    private readonly Stack<Message> _free = new();

    /// <summary>What messages and buffers of all clients take at the moment, in bytes, but for what is set apart.</summary>
    public long RentedBytes => buffers.RentedBytes;

    /// <summary>Copies a message out of the input; the caller is its first holder.</summary>
    public Message Copy(in PublishView source, Instant now)
    {
        var message = _free.TryPop(out var free) ? free : new Message();
        message.Fill(source, now, buffers);
        return message;
    }

    /// <summary>A holder keeps the message for an unknown time and counts it itself.</summary>
    public void SetApart(Message message)
    {
        message.Retain();
        buffers.SetApart(message.BufferSize);
    }

    /// <summary>The holder that set the message apart is done with it; for others that still hold it, it counts again.</summary>
    public void ReleaseSetApart(Message message)
    {
        buffers.CountAgain(message.BufferSize);
        Release(message);
    }

    /// <summary>A holder is done with the message.</summary>
    public void Release(Message message)
    {
        if (message.Release())
        {
            message.Empty(buffers);
            if (_free.Count < Kept)
            {
                _free.Push(message);
            }
        }
    }
}
