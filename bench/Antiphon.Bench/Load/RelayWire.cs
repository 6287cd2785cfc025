using Antiphon.Bench.Relay;

namespace Antiphon.Bench.Load;

/// <summary>
/// The relay's frames, about as long as the MQTT packets they stand for. A share group's turn is the sender's business here.
/// </summary>
internal sealed unsafe class RelayWire(int quality, int payloadLength) : Wire(quality, payloadLength)
{
    /// <summary>What a PUBLISH of a request takes beside its payload: header, Topic Name, Response Topic, Correlation Data.</summary>
    private const int RequestOverhead = 43;

    /// <summary>What a PUBLISH without Response Topic takes beside its payload.</summary>
    private const int ResponseOverhead = 32;

    private const int MarkAt = RelayFrame.HeaderSize;
    private const int ReplyToAt = MarkAt + MarkLength;

    public override bool LeavesByClosing => true;

    private byte Flags => Quality > 0 ? RelayFrame.WantsAcknowledgement : (byte)0;

    /// <summary>The number by which the relay knows a connection.</summary>
    public static int NumberOf(int index) => index + 1;

    public override void Open(LoadConnection connection)
    {
        RelayFrame.WriteHeader(connection.Output.Reserve(RelayFrame.HeaderSize), RelayFrame.HeaderSize, NumberOf(connection.Index), 0, 0);
        connection.Output.Advance(RelayFrame.HeaderSize);
    }

    public override int Receive(LoadConnection connection, byte* bytes, int length, ITraffic traffic, long now)
    {
        var at = 0;
        while (length - at >= RelayFrame.HeaderSize)
        {
            var frame = bytes + at;
            var size = RelayFrame.Length(frame);
            if (size > length - at)
            {
                break;
            }

            at += size;
            if (RelayFrame.Target(frame) != RelayFrame.Nobody)
            {
                Receive(connection, frame, traffic, now);
            }
            else if (!connection.IsReady)
            {
                connection.IsReady = true;
                traffic.Ready(connection);
            }
        }

        return at;
    }

    public override void Publish(LoadConnection connection, long now)
    {
        var isRequest = connection.Role == Role.Requester;
        var size = PayloadLength + (isRequest ? RequestOverhead : ResponseOverhead);
        var turn = connection.GroupSize > 0 ? (int)((connection.Sequence + connection.Index) % connection.GroupSize) : 0;
        var frame = connection.Output.Reserve(size);
        RelayFrame.WriteHeader(frame, size, connection.Target + turn, connection.TargetCount, Flags);
        *(long*)(frame + MarkAt) = now;
        *(long*)(frame + MarkAt + 8) = connection.Sequence++;
        *(int*)(frame + ReplyToAt) = isRequest ? NumberOf(connection.Index) : 0;
        connection.Output.Advance(size);
    }

    public override void Respond(LoadConnection connection, in Incoming request)
    {
        var size = PayloadLength + ResponseOverhead;
        var frame = connection.Output.Reserve(size);
        RelayFrame.WriteHeader(frame, size, *(int*)request.ReplyTo, 1, Flags);
        *(long*)(frame + MarkAt) = *(long*)request.Mark;
        *(long*)(frame + MarkAt + 8) = *(long*)(request.Mark + 8);
        *(int*)(frame + ReplyToAt) = 0;
        connection.Output.Advance(size);
    }

    public override void Leave(LoadConnection connection)
    {
    }

    private static void Receive(LoadConnection connection, byte* frame, ITraffic traffic, long now)
    {
        if ((RelayFrame.Flags(frame) & RelayFrame.WantsAcknowledgement) != 0)
        {
            RelayFrame.WriteHeader(connection.Output.Reserve(RelayFrame.HeaderSize), RelayFrame.HeaderSize, RelayFrame.Nobody, 0, 0);
            connection.Output.Advance(RelayFrame.HeaderSize);
        }

        var message = new Incoming
        {
            Mark = frame + MarkAt,
            MarkLength = MarkLength,
            ReplyTo = frame + ReplyToAt,
            ReplyToLength = *(int*)(frame + ReplyToAt) == 0 ? 0 : sizeof(int),
        };
        traffic.Received(connection, message, now);
    }
}
