using Antiphon.Client.Publishing;
using Antiphon.Client.Receiving;
using Antiphon.Client.Sessions;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;
using Antiphon.Protocol.Wire;
using Microsoft.Extensions.Logging.Abstractions;

namespace Antiphon.Client.Tests.Sessions;

/// <summary>What must not allocate in steady state; counted on the thread that does it.</summary>
public sealed class AllocationTests
{
    private const int Warmup = 1_000;
    private const int Messages = 100_000;

    // Behind the fixed header and a topic that is empty, since its alias is known.
    private const int PacketIdentifierOffset = 4;

    private readonly ClientSession _session = new(new MqttClientOptions(), NullLogger.Instance);
    private readonly PublishWaiters _publishes;
    private readonly InboundPackets _inbound;

    public AllocationTests()
    {
        _publishes = new PublishWaiters(_session);
        _inbound = new InboundPackets(_session, new MqttClientOptions());
        _session.BeginConnection(new ConnectPacket());
        _session.Accepted(new ServerLimits(new ConnAckPacket { ReceiveMaximum = 100, TopicAliasMaximum = 5 }, new ConnectPacket()));
        Send();
    }

    [Fact]
    public void A_QoS_1_publish_allocates_nothing()
    {
        byte[] payload = [1, 2, 3];
        byte[] properties = [0x01, 0x01];
        byte[] acknowledgement = [0x40, 2, 0, 0];
        NameAliases();

        AssertAllocatesNothing(() =>
        {
            var publishing = _publishes.PublishAsync(
                new PublishContent
                {
                    Topic = "device/1/relay"u8,
                    Payload = payload,
                    Properties = properties,
                    QoS = QualityOfService.AtLeastOnce,
                },
                CancellationToken.None);
            _session.TryTakeOutput(out var packet);
            packet.Span.Slice(PacketIdentifierOffset, 2).CopyTo(acknowledgement.AsSpan(2));
            _session.Sent();
            Receive(acknowledgement);
            Read(publishing);
        });
    }

    [Fact]
    public void A_QoS_2_publish_allocates_nothing()
    {
        byte[] payload = [1, 2, 3];
        byte[] acknowledgement = [0, 2, 0, 0];
        NameAliases();

        AssertAllocatesNothing(() =>
        {
            var publishing = _publishes.PublishAsync(
                new PublishContent { Topic = "device/1/relay"u8, Payload = payload, QoS = QualityOfService.ExactlyOnce },
                CancellationToken.None);
            _session.TryTakeOutput(out var packet);
            packet.Span.Slice(PacketIdentifierOffset, 2).CopyTo(acknowledgement.AsSpan(2));
            _session.Sent();
            acknowledgement[0] = 0x50;
            Receive(acknowledgement);
            Send();
            acknowledgement[0] = 0x70;
            Receive(acknowledgement);
            Read(publishing);
        });
    }

    [Fact]
    public void A_QoS_0_publish_allocates_nothing()
    {
        byte[] payload = [1, 2, 3];

        AssertAllocatesNothing(() =>
        {
            Read(_publishes.PublishAsync(new PublishContent { Topic = "device/1/relay"u8, Payload = payload }, CancellationToken.None));
            Send();
        });
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_received_message_reaches_a_raw_handler_without_allocation(bool withIdentifier)
    {
        var received = 0;
        var subscription = Subscription.Create(
            _session,
            "a",
            null,
            (in PublishView message, in Acknowledgement acknowledgement) =>
            {
                received += message.Payload.Length;
                acknowledgement.Complete();
            });
        _ = _session.SubscribeAsync(subscription, CancellationToken.None);
        var publish = Peers.Bytes.Of(withIdentifier ? "32 09 0001 'a' 0001 02 0B01 'x'" : "32 07 0001 'a' 0001 00 'x'");

        AssertAllocatesNothing(() =>
        {
            Receive(publish);
            Send();
        });

        Assert.Equal(Warmup + Messages, received);
    }

    [Fact]
    public void A_received_QoS_2_message_reaches_a_raw_handler_without_allocation()
    {
        var received = 0;
        var subscription = Subscription.Create(
            _session,
            "a",
            null,
            (in PublishView message, in Acknowledgement acknowledgement) =>
            {
                received += message.Payload.Length;
                acknowledgement.Complete();
            });
        _ = _session.SubscribeAsync(subscription, CancellationToken.None);
        var publish = Peers.Bytes.Of("34 09 0001 'a' 0001 02 0B01 'x'");
        var release = Peers.Bytes.Of("62 02 0001");

        AssertAllocatesNothing(() =>
        {
            Receive(publish);
            Receive(release);
            Send();
        });

        Assert.Equal(Warmup + Messages, received);
    }

    private void NameAliases()
    {
        for (var i = 0; i < 2; i++)
        {
            Read(_publishes.PublishAsync(new PublishContent { Topic = "device/1/relay"u8 }, CancellationToken.None));
        }

        Send();
    }

    private static void AssertAllocatesNothing(Action once)
    {
        for (var i = 0; i < Warmup; i++)
        {
            once();
        }

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < Messages; i++)
        {
            once();
        }

        // The packet identifiers' table may grow once. What every message allocated would show a hundred thousand times.
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1_000);
    }

    private static void Read(ValueTask<PublishResult> publishing)
    {
        if (!publishing.IsCompletedSuccessfully || publishing.Result.ReasonCode != ReasonCode.Success)
        {
            Assert.Fail("The publish is not complete.");
        }
    }

    private void Receive(byte[] packet)
    {
        // No assertion in here that would allocate.
        var status = FrameReader.TryRead(packet, uint.MaxValue, out var frame, out _);
        if (status != FrameStatus.Complete || _inbound.Handle(frame).Exists)
        {
            Assert.Fail("A packet of the test itself was not taken.");
        }
    }

    private void Send()
    {
        _session.TryTakeOutput(out _);
        _session.Sent();
    }
}
