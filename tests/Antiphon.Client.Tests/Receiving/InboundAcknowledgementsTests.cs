using System.Buffers;
using Antiphon.Client.Receiving;
using Antiphon.Client.Stores;
using Antiphon.Protocol;

namespace Antiphon.Client.Tests.Receiving;

public sealed class InboundAcknowledgementsTests
{
    private readonly InboundAcknowledgements _inbound = new(ProtocolVersion.V5, new SessionJournal(null, _ => { }));
    private readonly ArrayBufferWriter<byte> _output = new();

    public InboundAcknowledgementsTests() => _inbound.Connected(1, sessionPresent: false);

    [Theory]
    [InlineData(QualityOfService.AtLeastOnce, "4003000987")]
    [InlineData(QualityOfService.ExactlyOnce, "5003000987")]
    public void A_message_is_acknowledged_when_all_its_handlers_are_done_and_a_failure_stands(QualityOfService qos, string acknowledgement)
    {
        var ticket = Add(9, qos, handlers: 3);

        Complete(ticket, 0, ReasonCode.Success);
        Complete(ticket, 2, ReasonCode.NotAuthorized);
        Complete(ticket, 2, ReasonCode.Success);
        Assert.Equal(0, _output.WrittenCount);
        Complete(ticket, 1, ReasonCode.Success);

        Assert.Equal(acknowledgement, Convert.ToHexString(_output.WrittenSpan));
    }

    [Fact]
    [Trait("Label", "MQTT-4.6.0-2")]
    [Trait("Label", "MQTT-4.6.0-3")]
    public void Hundreds_of_rounds_through_a_growing_ring_keep_the_order()
    {
        var next = (ushort)0;
        for (var round = 1; round <= 100; round++)
        {
            var tickets = new Ticket[round];
            for (var i = 0; i < round; i++)
            {
                tickets[i] = Add(++next, i % 2 == 0 ? QualityOfService.AtLeastOnce : QualityOfService.ExactlyOnce);
            }

            _output.Clear();
            for (var i = round - 1; i >= 0; i--)
            {
                Complete(tickets[i]);
            }

            for (var i = 0; i < round; i++)
            {
                Assert.Equal(i % 2 == 0 ? 0x40 : 0x50, _output.WrittenSpan[4 * i]);
                Assert.Equal(
                    next - round + 1 + i, System.Buffers.Binary.BinaryPrimitives.ReadUInt16BigEndian(_output.WrittenSpan[((4 * i) + 2)..]));
            }
        }
    }

    [Fact]
    public void What_is_not_acknowledged_on_the_wire_counts_and_with_QoS_2_what_is_not_released()
    {
        var first = Add(1);
        Complete(Add(2));
        Complete(Add(3, QualityOfService.ExactlyOnce));
        Assert.Equal(3, _inbound.Count);

        Complete(first);
        Assert.Equal(1, _inbound.Count);

        Add(3, QualityOfService.ExactlyOnce);
        _inbound.Write(_output);
        Assert.Equal(1, _inbound.Count);

        Assert.Equal(ReasonCode.Success, _inbound.Release(new PacketIdentifier(3)));
        Assert.Equal(0, _inbound.Count);
    }

    [Fact]
    [Trait("Label", "MQTT-4.3.3-9")]
    public void A_PUBREC_that_refuses_ends_the_message()
    {
        Complete(Add(1, QualityOfService.ExactlyOnce), 0, ReasonCode.QuotaExceeded);

        Assert.Equal(0, _inbound.Count);
        Assert.Equal(Arrival.New, _inbound.Add(new PacketIdentifier(1), QualityOfService.ExactlyOnce, 1, out _));
    }

    [Fact]
    public void What_an_earlier_message_with_the_same_identifier_completes_late_is_not_for_this_one()
    {
        var before = Add(1, QualityOfService.ExactlyOnce);
        _inbound.Disconnected();
        _inbound.Connected(2, sessionPresent: false);
        var after = Add(1, QualityOfService.ExactlyOnce);

        Complete(before);
        Assert.Equal(0, _output.WrittenCount);
        Complete(after);

        Assert.Equal("50020001", Convert.ToHexString(_output.WrittenSpan));
    }

    [Fact]
    public void Sixty_four_handlers_are_waited_for()
    {
        var ticket = Add(1, handlers: 70);
        for (var i = 0; i < 64; i++)
        {
            Assert.Equal(0, _output.WrittenCount);
            Complete(ticket, i);
        }

        Assert.Equal("40020001", Convert.ToHexString(_output.WrittenSpan));
    }

    private Ticket Add(ushort identifier, QualityOfService qos = QualityOfService.AtLeastOnce, int handlers = 1)
    {
        _inbound.Add(new PacketIdentifier(identifier), qos, handlers, out var ticket);
        return ticket;
    }

    private void Complete(in Ticket ticket, int handler = 0, ReasonCode code = ReasonCode.Success)
    {
        _inbound.Complete(ticket, handler, code);
        _inbound.Write(_output);
    }
}
