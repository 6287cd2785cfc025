using Antiphon.Broker.Buffers;
using Antiphon.Broker.Connections;

namespace Antiphon.Broker.Tests.Connections;

public sealed class PartialPacketTests
{
    private readonly PartialPacket _partial = new(new BufferPool());

    [Fact]
    public void It_holds_what_was_appended_and_not_consumed()
    {
        var random = new Random(1);
        var expected = new List<byte>();
        for (var step = 0; step < 5000; step++)
        {
            if (random.Next(2) == 0)
            {
                var bytes = new byte[random.Next(300)];
                random.NextBytes(bytes);
                _partial.Append(bytes);
                expected.AddRange(bytes);
            }
            else
            {
                var count = random.Next(expected.Count + 1);
                _partial.Consume(count);
                expected.RemoveRange(0, count);
            }

            Assert.Equal(expected.Count == 0, _partial.IsEmpty);
            Assert.True(_partial.Bytes.SequenceEqual(expected.ToArray()));
        }
    }

    [Fact]
    public void Cleared_it_is_empty_and_can_begin_anew()
    {
        _partial.Append([1, 2, 3]);
        _partial.Clear();
        _partial.Clear();
        Assert.True(_partial.IsEmpty);

        _partial.Append([4]);

        Assert.Equal<byte>([4], _partial.Bytes.ToArray());
    }
}
