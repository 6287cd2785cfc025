using System.Buffers;
using Antiphon.Client.Subscriptions;
using Antiphon.Protocol;

namespace Antiphon.Client.Tests.Subscriptions;

public sealed class InboundAcknowledgementsTests
{
    private readonly InboundAcknowledgements _inbound = new(receiveMaximum: 100);
    private readonly ArrayBufferWriter<byte> _output = new();

    [Fact]
    public void A_message_is_acknowledged_when_all_its_handlers_are_done_and_a_failure_stands()
    {
        _inbound.TryAdd(new PacketIdentifier(9), handlers: 3, out var sequence);

        _inbound.Complete(sequence, 0, ReasonCode.Success, _output);
        _inbound.Complete(sequence, 2, ReasonCode.NotAuthorized, _output);
        _inbound.Complete(sequence, 2, ReasonCode.Success, _output);
        Assert.Equal(0, _output.WrittenCount);
        _inbound.Complete(sequence, 1, ReasonCode.Success, _output);

        Assert.Equal("4003000987", Convert.ToHexString(_output.WrittenSpan));
    }

    [Fact]
    public void Hundreds_of_rounds_through_a_growing_ring_keep_the_order()
    {
        var next = (ushort)0;
        for (var round = 1; round <= 100; round++)
        {
            var sequences = new uint[round];
            for (var i = 0; i < round; i++)
            {
                Assert.True(_inbound.TryAdd(new PacketIdentifier(++next), 1, out sequences[i]));
            }

            _output.Clear();
            for (var i = round - 1; i >= 0; i--)
            {
                _inbound.Complete(sequences[i], 0, ReasonCode.Success, _output);
            }

            Assert.Equal(0, _inbound.Count);
            for (var i = 0; i < round; i++)
            {
                Assert.Equal(next - round + 1 + i, System.Buffers.Binary.BinaryPrimitives.ReadUInt16BigEndian(_output.WrittenSpan[((4 * i) + 2)..]));
            }
        }
    }

    [Fact]
    public void The_Receive_Maximum_holds_for_what_is_not_acknowledged_on_the_wire()
    {
        var first = 0u;
        for (var i = 1; i <= 100; i++)
        {
            Assert.True(_inbound.TryAdd(new PacketIdentifier((ushort)i), 1, out var sequence));
            first = i == 1 ? sequence : first;
            if (i > 1)
            {
                _inbound.Complete(sequence, 0, ReasonCode.Success, _output);
            }
        }

        Assert.False(_inbound.TryAdd(new PacketIdentifier(101), 1, out _));
        _inbound.Complete(first, 0, ReasonCode.Success, _output);
        Assert.True(_inbound.TryAdd(new PacketIdentifier(101), 1, out _));
    }

    [Fact]
    public void Sixty_four_handlers_are_waited_for()
    {
        _inbound.TryAdd(new PacketIdentifier(1), handlers: 70, out var sequence);
        for (var i = 0; i < 64; i++)
        {
            Assert.Equal(0, _output.WrittenCount);
            _inbound.Complete(sequence, i, ReasonCode.Success, _output);
        }

        Assert.Equal("40020001", Convert.ToHexString(_output.WrittenSpan));
    }
}
