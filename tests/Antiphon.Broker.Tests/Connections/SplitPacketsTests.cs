using Antiphon.Protocol;
using Antiphon.Protocol.Packets;
using Antiphon.Protocol.Properties;

namespace Antiphon.Broker.Tests.Connections;

public sealed class SplitPacketsTests
{
    private static readonly Packet[] Conversation =
    [
        new ConnectPacket { ClientId = "talker", KeepAlive = 10, ReceiveMaximum = 3 },
        new SubscribePacket
        {
            PacketIdentifier = new(1),
            Subscriptions = [new("a/#", new(QualityOfService.AtLeastOnce)), new("b", default)],
            SubscriptionIdentifier = 200,
        },
        new PublishPacket(
            TestLink.Message("a/b", "zero") with { UserProperties = [new UserProperty("k", "v")], MessageExpiryInterval = 9 }),
        new PublishPacket(TestLink.Message("a/b", "one", QualityOfService.AtLeastOnce)) { PacketIdentifier = new(2) },
        new AcknowledgementPacket(PacketType.PubAck, new(1)),
        new PublishPacket(TestLink.Message("a/long", new string('x', 300), QualityOfService.AtLeastOnce)) { PacketIdentifier = new(3) },
        new PublishPacket(TestLink.Message("b", new string('y', 700))),
        PingReqPacket.Instance,
        new UnsubscribePacket { PacketIdentifier = new(4), TopicFilters = ["b", "c"] },
        new AcknowledgementPacket(PacketType.PubRec, new(77)),
        new DisconnectPacket { ReasonCode = ReasonCode.DisconnectWithWillMessage },
    ];

    private readonly byte[] _input = TestLink.Bytes(Conversation);

    [Fact]
    public void A_conversation_split_at_every_byte_has_the_same_result_as_in_one_read()
    {
        var whole = Talk([_input]);
        for (var split = 1; split < _input.Length; split++)
        {
            Assert.True(whole.AsSpan().SequenceEqual(Talk([_input[..split], _input[split..]])), $"Split at {split}.");
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(7)]
    [InlineData(64)]
    [InlineData(1000)]
    public void A_conversation_in_pieces_of_any_size_has_the_same_result_as_in_one_read(int size) =>
        Assert.Equal(Talk([_input]), Talk([.. _input.Chunk(size)]));

    [Fact]
    public void Pieces_of_many_sizes_in_turn_have_the_same_result()
    {
        var random = new Random(4);
        var whole = Talk([_input]);
        for (var round = 0; round < 300; round++)
        {
            var pieces = new List<byte[]>();
            for (var at = 0; at < _input.Length;)
            {
                var size = Math.Min(random.Next(1, 500), _input.Length - at);
                pieces.Add(_input[at..(at + size)]);
                at += size;
            }

            Assert.True(whole.AsSpan().SequenceEqual(Talk([.. pieces])), $"Round {round}.");
        }
    }

    [Fact]
    public void A_large_packet_in_small_pieces_holds_no_more_memory_than_has_arrived()
    {
        var broker = new HandTurnedBroker();
        var client = broker.Connect("slow");
        client.Send([0x30, 0xFF, 0xFF, 0x1F]);

        Assert.InRange(client.Connection.Partial.Bytes.Length, 4, 4);
        for (var i = 0; i < 100; i++)
        {
            client.Send(new byte[100]);
        }

        Assert.Equal(10_004, client.Connection.Partial.Bytes.Length);
    }

    private static byte[] Talk(byte[][] reads)
    {
        var broker = new HandTurnedBroker();
        var client = broker.Open();
        foreach (var read in reads)
        {
            client.Send(read);
        }

        Assert.True(client.SendingEnded);
        Assert.True(client.Connection.Partial.IsEmpty);
        return client.Received.ToArray();
    }
}
