using Antiphon.Broker.Buffers;
using Antiphon.Broker.Messages;
using Antiphon.Broker.Sessions;
using Antiphon.Broker.Timing;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;

namespace Antiphon.Broker.Tests.Sessions;

public sealed class SendWindowTests
{
    private readonly MessagePool _pool = new(new BufferPool());
    private readonly SendWindow _window = new(new MemoryAccount());

    [Fact]
    [Trait("Label", "MQTT-2.2.1-4")]
    [Trait("Label", "MQTT-4.3.2-1")]
    public void Identifiers_begin_at_1_and_one_given_back_is_neither_0_nor_the_next()
    {
        var last = PacketIdentifier.None;
        for (var i = 0; i < 200_000; i++)
        {
            var identifier = Add();
            Assert.NotEqual(PacketIdentifier.None, identifier);
            Assert.NotEqual(last, identifier);
            Assert.True(i > 0 || identifier.Value == 1);
            Assert.True(_window.TryAcknowledge(identifier, out _));
            last = identifier;
        }

        Assert.True(_window.IsEmpty);
        Assert.Equal(0, _window.Unacknowledged);
    }

    [Fact]
    public void One_message_that_is_never_acknowledged_stops_nothing_else()
    {
        var stuck = Add();
        for (var i = 0; i < 3 * 65_535; i++)
        {
            Assert.False(_window.IsFull);
            var identifier = Add();
            Assert.NotEqual(stuck, identifier);
            Assert.True(_window.TryAcknowledge(identifier, out _));
            Assert.Equal(1, _window.Unacknowledged);
        }

        _window.ConnectionEnded();
        Assert.True(_window.TryResend(out _, out var again));
        Assert.Equal(stuck, again);
        Assert.False(_window.HasUnsent);
    }

    [Fact]
    public void A_full_window_has_every_identifier_once_and_whichever_is_given_back_is_the_next()
    {
        for (var i = 0; i < 300; i++)
        {
            _window.TryAcknowledge(Add(), out _);
        }

        var identifiers = Enumerable.Range(0, 65_535).Select(_ => Add()).ToList();

        Assert.True(_window.IsFull);
        Assert.Equal(65_535, identifiers.Distinct().Count());
        Assert.DoesNotContain(PacketIdentifier.None, identifiers);
        Assert.True(_window.TryAcknowledge(identifiers[1], out _));
        Assert.False(_window.IsFull);
        Assert.True(_window.TryAcknowledge(identifiers[0], out _));
        Assert.Equal(identifiers[1], Add());
        Assert.Equal(identifiers[0], Add());
        Assert.True(_window.IsFull);
    }

    [Fact]
    public void Acknowledgements_out_of_order_each_end_their_own_message()
    {
        var identifiers = Enumerable.Range(0, 20).Select(_ => Add()).ToArray();
        new Random(3).Shuffle(identifiers);

        foreach (var (identifier, left) in identifiers.Zip(Enumerable.Range(0, 20).Reverse()))
        {
            Assert.True(_window.TryAcknowledge(identifier, out var message));
            Assert.Equal(identifier.Value, message.Payload[0]);
            Assert.False(_window.TryAcknowledge(identifier, out _));
            Assert.Equal(left, _window.Unacknowledged);
        }

        Assert.True(_window.IsEmpty);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    [InlineData(65_535)]
    public void An_identifier_that_is_not_in_use_ends_nothing(int identifier)
    {
        Add();

        Assert.False(_window.TryAcknowledge(new PacketIdentifier((ushort)identifier), out _));
    }

    [Fact]
    public void After_a_loss_nothing_can_be_acknowledged_before_it_is_sent_again()
    {
        var identifier = Add();
        _window.ConnectionEnded();

        Assert.True(_window.HasUnsent);
        Assert.False(_window.TryAcknowledge(identifier, out _));
        Assert.True(_window.TryResend(out _, out var again));
        Assert.Equal(identifier, again);
        Assert.True(_window.TryAcknowledge(identifier, out _));
        Assert.False(_window.HasUnsent);
    }

    [Fact]
    public void A_message_acknowledged_behind_the_oldest_is_not_owed_after_a_loss()
    {
        var oldest = Add();
        var acknowledged = Add();
        Assert.True(_window.TryAcknowledge(acknowledged, out _));
        _window.ConnectionEnded();
        Assert.True(_window.TryResend(out _, out _));

        Assert.True(_window.TryAcknowledge(oldest, out _));

        Assert.True(_window.IsEmpty);
        Assert.False(_window.HasUnsent);
        Assert.False(_window.TryResend(out _, out _));
        Assert.True(_window.TryAcknowledge(Add(), out _));
    }

    private PacketIdentifier Add()
    {
        var expected = (byte)(_window.Unacknowledged + 1);
        var publish = new PublishView { Topic = "t"u8, Payload = new[] { expected }, TopicAliasOffset = -1 };
        var message = _pool.Copy(publish, new Instant(TimeSpan.Zero));
        return _window.AddSent(new OutgoingMessage(message, QualityOfService.AtLeastOnce, retain: false, []));
    }
}
