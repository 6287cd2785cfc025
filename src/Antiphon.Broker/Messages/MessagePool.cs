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

    /// <summary>Copies a message out of the input; the caller is its first holder.</summary>
    public Message Copy(in PublishView source, Instant now)
    {
        var message = _free.TryPop(out var free) ? free : new Message();
        message.Fill(source, now, buffers);
        buffers.Account.Add(Message.ObjectSize);
        return message;
    }

    /// <summary>A holder keeps the message for an unknown time and counts it itself.</summary>
    public void SetApart(Message message)
    {
        message.Retain();
        buffers.Account.Add(-message.Footprint);
    }

    /// <summary>The holder that set the message apart is done with it; for others that still hold it, it counts again.</summary>
    public void ReleaseSetApart(Message message)
    {
        buffers.Account.Add(message.Footprint);
        Release(message);
    }

    /// <summary>A holder is done with the message.</summary>
    public void Release(Message message)
    {
        if (message.Release())
        {
            message.Empty(buffers);
            buffers.Account.Add(-Message.ObjectSize);
            if (_free.Count < Kept)
            {
                _free.Push(message);
            }
        }
    }
}
