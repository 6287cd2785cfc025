using Antiphon.Broker.Buffers;
using Antiphon.Broker.Connections;
using Antiphon.Broker.Messages;
using Antiphon.Broker.Timing;
using Antiphon.Protocol.Packets;

namespace Antiphon.Broker.Tests.Connections;

public sealed class OutputBufferTests
{
    private readonly BufferPool _pool = new();
    private readonly MessagePool _messages;
    private readonly OutputBuffer _output;

    public OutputBufferTests()
    {
        _messages = new MessagePool(_pool);
        _output = new OutputBuffer(_pool, _messages);
    }

    [Fact]
    public void What_was_written_comes_out_in_order_however_it_is_consumed()
    {
        var random = new Random(1);
        var expected = new Queue<byte>();
        for (var step = 0; step < 5000; step++)
        {
            if (random.Next(3) > 0)
            {
                Write(random, random.Next(1, 600), expected);
            }
            else if (random.Next(20) == 0)
            {
                Share(random, random.Next(4096, 6000), expected);
            }
            else
            {
                Take(random.Next(1, 2500), expected);
            }

            Assert.Equal(expected.Count, _output.Length);
        }

        while (_output.Length > 0)
        {
            Take(int.MaxValue, expected);
        }

        Assert.Empty(expected);
    }

    [Fact]
    public void What_is_taken_back_was_never_there()
    {
        var random = new Random(2);
        var expected = new Queue<byte>();
        Write(random, 10, expected);
        Share(random, 5000, expected);
        Write(random, 2000, []);
        _output.Retract(2000);
        Write(random, 3, expected);
        Write(random, 1, []);
        _output.Retract(1);

        while (_output.Length > 0)
        {
            Take(int.MaxValue, expected);
        }

        Assert.Empty(expected);
    }

    [Fact]
    public void Taking_the_only_bytes_back_leaves_nothing()
    {
        Write(new Random(3), 50, []);

        _output.Retract(50);

        Assert.Equal(0, _output.Length);
        Assert.True(_output.Own.IsEmpty);
    }

    [Fact]
    public void An_empty_output_holds_no_array()
    {
        _output.GetSpan(10);
        _output.Advance(10);
        _output.Consume(10);

        var first = _pool.Rent(1024);
        _output.GetSpan(1024);

        Assert.NotSame(first, _pool.Rent(1024));
    }

    private void Write(Random random, int count, Queue<byte> expected)
    {
        var bytes = new byte[count];
        random.NextBytes(bytes);
        bytes.CopyTo(_output.GetSpan(count));
        _output.Advance(count);
        Array.ForEach(bytes, expected.Enqueue);
    }

    private void Share(Random random, int count, Queue<byte> expected)
    {
        var bytes = new byte[count];
        random.NextBytes(bytes);
        var message = _messages.Copy(new PublishView { Topic = "t"u8, Payload = bytes, TopicAliasOffset = -1 }, new Instant(TimeSpan.Zero));
        _output.AppendPayload(message);
        _messages.Release(message);
        Array.ForEach(bytes, expected.Enqueue);
    }

    private void Take(int atMost, Queue<byte> expected)
    {
        var pieces = new ArraySegment<byte>[3];
        var pending = _output.IsContiguous ? _output.Own.ToArray() : [.. pieces.Take(_output.Pieces(pieces)).SelectMany(piece => piece)];
        var taken = pending.Take(atMost).ToArray();
        Assert.True(taken.All(each => expected.Dequeue() == each), "The bytes are not those that were written.");
        _output.Consume(taken.Length);
    }
}
