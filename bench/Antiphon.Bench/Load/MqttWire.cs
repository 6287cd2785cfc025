using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;

namespace Antiphon.Bench.Load;

/// <summary>MQTT 5, as much of it as the load needs, written and read by hand.</summary>
internal sealed unsafe class MqttWire(int quality, int payloadLength) : Wire(quality, payloadLength)
{
    private const byte ResponseTopic = 0x08;
    private const byte CorrelationData = 0x09;
    private const byte ResponseInformation = 0x1A;
    private const byte ReceiveMaximum = 0x21;

    public override void Open(LoadConnection connection)
    {
        var clientId = $"bench-{connection.Index}";
        var properties = connection.AsksForResponseTopic ? new byte[] { 0x19, 1 } : [];
        var packet = new List<byte> { 0x10, 0, 0, 4, (byte)'M', (byte)'Q', (byte)'T', (byte)'T', 5, 2, 0, 0, (byte)properties.Length };
        packet.AddRange(properties);
        AddText(packet, clientId);
        packet[1] = (byte)(packet.Count - 2);
        Append(connection, packet);
    }

    public override int Receive(LoadConnection connection, byte* bytes, int length, ITraffic traffic, long now)
    {
        var at = 0;
        while (true)
        {
            var rest = length - at;
            if (rest < 2)
            {
                return at;
            }

            var packet = bytes + at;
            int remaining = packet[1];
            var header = 2;
            if (remaining >= 0x80)
            {
                if (!TryReadLength(packet + 1, rest - 1, out remaining, out var taken))
                {
                    return at;
                }

                header = 1 + taken;
            }

            if (header + remaining > rest)
            {
                return at;
            }

            at += header + remaining;
            switch (packet[0] >> 4)
            {
                case 3:
                    ReceivePublish(connection, packet[0], packet + header, remaining, traffic, now);
                    break;
                case 4:
                    ReceivePubAck(connection, packet + header, remaining);
                    break;
                case 2:
                    ReceiveConnAck(connection, packet + header, remaining, traffic);
                    break;
                case 9:
                    if (packet[header + remaining - 1] >= 0x80)
                    {
                        throw new BenchException(
                            $"The broker refused the subscription {connection.Filter}: 0x{packet[header + remaining - 1]:X2}.");
                    }

                    connection.IsReady = true;
                    traffic.Ready(connection);
                    break;
                case 14:
                    throw new BenchException($"The broker disconnected: 0x{(remaining > 0 ? packet[header] : 0):X2}.");
                default:
                    throw new BenchException($"The broker sent a packet of type {packet[0] >> 4}, which the load does not expect.");
            }
        }
    }

    public override void Publish(LoadConnection connection, long now)
    {
        if (connection.Template is null)
        {
            MakeTemplate(connection);
        }

        var length = connection.TemplateLength;
        ref var output = ref Destination(connection);
        var packet = output.Reserve(length);
        Buffer.MemoryCopy(connection.Template, packet, length, length);
        if (Quality > 0)
        {
            *(ushort*)(packet + connection.IdentifierOffset) = BinaryPrimitives.ReverseEndianness(connection.NextIdentifier());
        }

        *(long*)(packet + connection.MarkOffset) = now;
        *(long*)(packet + connection.MarkOffset + 8) = connection.Sequence++;
        output.Advance(length);
    }

    public override void Respond(LoadConnection connection, in Incoming request)
    {
        if (request.ReplyToLength == 0 || request.MarkLength != MarkLength)
        {
            throw new BenchException("A request came without its Response Topic or its Correlation Data.");
        }

        var body = 2 + request.ReplyToLength + 2 * Quality + 1 + 3 + MarkLength + PayloadLength;
        ref var output = ref Destination(connection);
        var first = output.Reserve(body + 5);
        var next = first;
        *next++ = (byte)(0x30 | Quality << 1);
        next = WriteLength(next, body);
        next = WriteUInt16(next, request.ReplyToLength);
        Buffer.MemoryCopy(request.ReplyTo, next, request.ReplyToLength, request.ReplyToLength);
        next += request.ReplyToLength;
        if (Quality > 0)
        {
            next = WriteUInt16(next, connection.NextIdentifier());
        }

        *next++ = 3 + MarkLength;
        *next++ = CorrelationData;
        next = WriteUInt16(next, MarkLength);
        *(long*)next = *(long*)request.Mark;
        *(long*)(next + 8) = *(long*)(request.Mark + 8);
        next += MarkLength;
        new Span<byte>(next, PayloadLength).Fill((byte)'r');
        next += PayloadLength;
        output.Advance((int)(next - first));
    }

    public override void Leave(LoadConnection connection) => Append(connection, [0xE0, 0]);

    private static void Subscribe(LoadConnection connection, string filter, int quality)
    {
        var packet = new List<byte> { 0x82, 0, 0, 1, 0 };
        AddText(packet, filter);
        packet.Add((byte)quality);
        packet[1] = (byte)(packet.Count - 2);
        Append(connection, packet);
    }

    private void ReceivePublish(LoadConnection connection, byte first, byte* body, int length, ITraffic traffic, long now)
    {
        var end = body + length;
        var next = body + 2 + ReadUInt16(body);
        if ((first & 6) != 0)
        {
            var acknowledgement = connection.Output.Reserve(4);
            acknowledgement[0] = 0x40;
            acknowledgement[1] = 2;
            acknowledgement[2] = next[0];
            acknowledgement[3] = next[1];
            connection.Output.Advance(4);
            next += 2;
        }

        Incoming message = default;
        int section = *next++;
        if (section >= 0x80)
        {
            TryReadLength(next - 1, (int)(end - next) + 1, out section, out var taken);
            next += taken - 1;
        }

        var properties = next + section;
        while (next < properties)
        {
            switch (*next)
            {
                case ResponseTopic:
                    message.ReplyToLength = ReadUInt16(next + 1);
                    message.ReplyTo = next + 3;
                    next += 3 + message.ReplyToLength;
                    break;
                case CorrelationData:
                    message.MarkLength = ReadUInt16(next + 1);
                    message.Mark = next + 3;
                    next += 3 + message.MarkLength;
                    break;
                default:
                    next = SkipProperty(next);
                    break;
            }
        }

        if (message.MarkLength == 0)
        {
            message.Mark = properties;
            message.MarkLength = MarkLength;
        }

        if (end - properties < PayloadLength)
        {
            throw new BenchException($"A message came with {end - properties} bytes of payload; {PayloadLength} were sent.");
        }

        traffic.Received(connection, message, now);
    }

    private static void ReceivePubAck(LoadConnection connection, byte* body, int length)
    {
        if (length > 2 && body[2] >= 0x80)
        {
            throw new BenchException($"The broker refused a PUBLISH: 0x{body[2]:X2}.");
        }

        connection.Unacknowledged--;
        if (connection.Held.Length > 0)
        {
            // Sends the next of those that wait. The room that it takes was counted when it was held.
            var packet = connection.Held.First;
            TryReadLength(packet + 1, 4, out var remaining, out var taken);
            var size = 1 + taken + remaining;
            connection.Output.Append(packet, size);
            connection.Held.Consume(size);
        }
    }

    private void ReceiveConnAck(LoadConnection connection, byte* body, int length, ITraffic traffic)
    {
        if (body[1] != 0)
        {
            throw new BenchException($"The broker refused the connection: 0x{body[1]:X2}.");
        }

        var next = body + 2;
        TryReadLength(next, length - 2, out var section, out var taken);
        next += taken;
        var end = next + section;
        while (next < end)
        {
            if (*next == ReceiveMaximum)
            {
                connection.ReceiveMaximum = ReadUInt16(next + 1);
            }
            else if (*next == ResponseInformation && connection.AsksForResponseTopic)
            {
                connection.ResponseTopic = Encoding.UTF8.GetString(next + 3, ReadUInt16(next + 1)) + "/r";
                connection.Filter = connection.ResponseTopic;
            }

            next = SkipProperty(next);
        }

        if (connection.Filter is { } filter)
        {
            Subscribe(connection, filter, Quality);
        }
        else
        {
            connection.IsReady = true;
            traffic.Ready(connection);
        }
    }

    /// <summary>
    /// Where the connection's next PUBLISH goes. It goes out, unless it has QoS 1 and the broker's Receive Maximum is reached.
    /// Then it is held until there is room.
    /// </summary>
    private ref NativeBuffer Destination(LoadConnection connection)
    {
        if (Quality > 0 && connection.Unacknowledged++ >= connection.ReceiveMaximum)
        {
            return ref connection.Held;
        }

        return ref connection.Output;
    }

    private void MakeTemplate(LoadConnection connection)
    {
        var body = new List<byte>();
        AddText(body, connection.Topic);
        var identifier = body.Count;
        if (Quality > 0)
        {
            body.AddRange([0, 0]);
        }

        var properties = new List<byte>();
        var correlation = 0;
        if (connection.Role == Role.Requester)
        {
            properties.Add(ResponseTopic);
            AddText(properties, connection.ResponseTopic);
            properties.AddRange([CorrelationData, 0, MarkLength]);
            correlation = properties.Count;
            properties.AddRange(new byte[MarkLength]);
        }

        AddLength(body, properties.Count);
        var mark = body.Count + correlation;
        body.AddRange(properties);
        body.AddRange(Enumerable.Repeat((byte)'q', PayloadLength));

        var packet = new List<byte> { (byte)(0x30 | Quality << 1) };
        AddLength(packet, body.Count);
        connection.IdentifierOffset = packet.Count + identifier;
        connection.MarkOffset = packet.Count + mark;
        packet.AddRange(body);
        connection.TemplateLength = packet.Count;
        connection.Template = (byte*)NativeMemory.Alloc((nuint)packet.Count);
        CollectionsMarshal.AsSpan(packet).CopyTo(new Span<byte>(connection.Template, packet.Count));
    }

    /// <summary>Past a property, by what MQTT 5 §2.2.2.2 says of its type.</summary>
    private static byte* SkipProperty(byte* property)
    {
        switch (property[0])
        {
            case 0x01 or 0x17 or 0x19 or 0x24 or 0x25 or 0x28 or 0x29 or 0x2A:
                return property + 2;
            case 0x13 or 0x21 or 0x22 or 0x23:
                return property + 3;
            case 0x02 or 0x11 or 0x18 or 0x27:
                return property + 5;
            case 0x0B:
                TryReadLength(property + 1, 4, out _, out var taken);
                return property + 1 + taken;
            case 0x26:
                var value = property + 3 + ReadUInt16(property + 1);
                return value + 2 + ReadUInt16(value);
            default:
                return property + 3 + ReadUInt16(property + 1);
        }
    }

    private static bool TryReadLength(byte* bytes, int available, out int value, out int taken)
    {
        value = 0;
        taken = 0;
        while (taken < available)
        {
            var next = bytes[taken];
            value |= (next & 0x7F) << (7 * taken++);
            if (next < 0x80)
            {
                return true;
            }
        }

        return false;
    }

    private static byte* WriteLength(byte* next, int value)
    {
        while (value >= 0x80)
        {
            *next++ = (byte)(value | 0x80);
            value >>= 7;
        }

        *next++ = (byte)value;
        return next;
    }

    private static byte* WriteUInt16(byte* next, int value)
    {
        next[0] = (byte)(value >> 8);
        next[1] = (byte)value;
        return next + 2;
    }

    private static int ReadUInt16(byte* bytes) => bytes[0] << 8 | bytes[1];

    private static void AddLength(List<byte> packet, int value)
    {
        while (value >= 0x80)
        {
            packet.Add((byte)(value | 0x80));
            value >>= 7;
        }

        packet.Add((byte)value);
    }

    private static void AddText(List<byte> packet, string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        packet.Add((byte)(bytes.Length >> 8));
        packet.Add((byte)bytes.Length);
        packet.AddRange(bytes);
    }

    private static void Append(LoadConnection connection, List<byte> packet)
    {
        fixed (byte* first = CollectionsMarshal.AsSpan(packet))
        {
            connection.Output.Append(first, packet.Count);
        }
    }
}
