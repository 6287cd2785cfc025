using Antiphon.Broker.Pressure;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;

namespace Antiphon.Broker.Tests.Pressure;

public sealed class MemoryPressureTests
{
    private const int Mebibyte = 1024 * 1024;

    private static readonly string Large = new('x', 60_000);

    private readonly HandTurnedBroker _broker = new(new BrokerOptions { MaximumBufferBytes = Mebibyte, ReceiveMaximum = 50 });

    [Fact]
    [Trait("Label", "MQTT-4.6.0-2")]
    public void Acknowledgements_are_withheld_while_memory_is_short_and_then_come_in_order()
    {
        var slow = _broker.Subscriber("slow", "t");
        var publisher = _broker.Connect("publisher");
        for (ushort i = 1; i <= 30; i++)
        {
            Send(publisher, i);
        }

        var early = Acknowledgements(publisher);
        Assert.InRange(early.Count, 1, 29);
        Assert.Equal(30 - early.Count, _broker.Counters.WithheldAcknowledgements);
        slow.All().Cast<PublishPacket>().ToList().ForEach(slow.Acknowledge);

        var late = Acknowledgements(publisher);
        Assert.Equal(Enumerable.Range(1, 30), early.Concat(late));
        Assert.Equal(0, _broker.Counters.WithheldAcknowledgements);
    }

    [Fact]
    public void A_publisher_that_goes_on_beyond_the_Receive_Maximum_is_ended_with_0x93()
    {
        _broker.Subscriber("slow", "t");
        var publisher = _broker.Connect("publisher");
        var other = _broker.Connect("other");
        for (ushort i = 1; i <= 30; i++)
        {
            Send(other, i);
        }

        for (ushort i = 1; i <= 51 && !publisher.SendingEnded; i++)
        {
            publisher.Send(new PublishPacket(TestLink.Message("nobody", "", QualityOfService.AtLeastOnce)) { PacketIdentifier = new(i) });
        }

        publisher.ExpectDisconnect(ReasonCode.ReceiveMaximumExceeded);
    }

    [Fact]
    [Trait("Label", "MQTT-4.6.0-3")]
    [Trait("Label", "MQTT-4.3.3-10")]
    public void Of_QoS_2_it_is_PUBREC_that_is_withheld_and_a_repetition_meanwhile_changes_nothing()
    {
        var slow = _broker.Subscriber("slow", "t");
        var publisher = _broker.Connect("publisher");
        for (ushort i = 1; i <= 30; i++)
        {
            Send(publisher, i, QualityOfService.ExactlyOnce);
            Send(publisher, i, QualityOfService.ExactlyOnce, dup: i > 25);
        }

        var early = Acknowledgements(publisher).Distinct().ToList();
        Assert.InRange(early.Count, 1, 25);
        Assert.Equal(30 - early.Count, _broker.Counters.WithheldAcknowledgements);
        var messages = slow.All().Cast<PublishPacket>().ToList();
        Assert.Equal(30, messages.Count);
        messages.ForEach(slow.Acknowledge);

        Assert.Equal(Enumerable.Range(1, 30), early.Concat(Acknowledgements(publisher)));
        slow.ExpectNothing();
        for (ushort i = 1; i <= 30; i++)
        {
            publisher.Answer(PacketType.PubRel, new(i));
            Assert.Equal(ReasonCode.Success, publisher.ExpectAnswer(PacketType.PubComp, new(i)));
        }
    }

    [Fact]
    [Trait("Label", "MQTT-4.3.3-10")]
    [Trait("Label", "MQTT-4.3.3-9")]
    public void A_message_whose_PUBREC_was_withheld_when_the_connection_broke_is_the_same_afterwards_and_a_refused_one_is_new()
    {
        var requester = _broker.Connect("requester", connect => connect with { RequestResponseInformation = true });
        requester.Subscribe(requester.ConnAck.ResponseInformation!);
        var slow = Fill();
        var subscriber = _broker.Subscriber("subscriber", "once");
        var publisher = Connect();
        publisher.Send(
            new PublishPacket(TestLink.Message("once", "1", QualityOfService.ExactlyOnce)) { PacketIdentifier = new(1) },
            new PublishPacket(
                TestLink.Message(requester.ConnAck.ResponseInformation!, "", QualityOfService.ExactlyOnce))
            { PacketIdentifier = new(2) });
        publisher.ExpectNothing();
        publisher.Lose();
        var back = Connect();
        back.Send(
            new PublishPacket(TestLink.Message("once", "1", QualityOfService.ExactlyOnce)) { PacketIdentifier = new(1), Dup = true },
            new PublishPacket(TestLink.Message("once", "2", QualityOfService.ExactlyOnce)) { PacketIdentifier = new(2) });

        slow.All().Cast<PublishPacket>().ToList().ForEach(slow.Acknowledge);

        Assert.Equal(ReasonCode.Success, back.ExpectAnswer(PacketType.PubRec, new(1)));
        Assert.Equal(ReasonCode.Success, back.ExpectAnswer(PacketType.PubRec, new(2)));
        back.ExpectNothing();
        subscriber.NextMessage("1");
        subscriber.NextMessage("2");
        subscriber.ExpectNothing();

        TestLink Connect() => _broker.Connect("again", connect => connect with { SessionExpiryInterval = 100 });
    }

    [Fact]
    public void PUBREL_before_its_PUBREC_is_a_protocol_error()
    {
        Fill();
        var publisher = _broker.Connect("hasty");
        publisher.Send(new PublishPacket(TestLink.Message("u", "", QualityOfService.ExactlyOnce)) { PacketIdentifier = new(1) });

        publisher.Answer(PacketType.PubRel, new(1));

        publisher.ExpectDisconnect(ReasonCode.ProtocolError);
    }

    [Fact]
    public void A_publisher_of_QoS_0_is_left_unread_while_memory_is_very_short_and_not_taken_for_silent()
    {
        var slow = _broker.Subscriber("slow", "t", QualityOfService.AtMostOnce);
        slow.Reads = false;
        var held = _broker.Subscriber("held", "u");
        var filler = _broker.Connect("filler");
        var publisher = _broker.Connect("publisher", connect => connect with { KeepAlive = 10 });
        for (ushort i = 1; i <= 40; i++)
        {
            filler.Send(new PublishPacket(TestLink.Message("u", Large, QualityOfService.AtLeastOnce)) { PacketIdentifier = new(i) });
        }

        publisher.Publish("t", Large);
        Assert.True(publisher.IsPaused);
        Assert.Equal(2, _broker.Counters.PausedConnections);
        _broker.TurnSeconds(100);
        Assert.False(publisher.SendingEnded);

        held.All().Cast<PublishPacket>().ToList().ForEach(held.Acknowledge);

        Assert.False(publisher.IsPaused);
        Assert.False(filler.IsPaused);
        Assert.Equal(0, _broker.Counters.PausedConnections);
        _broker.TurnSeconds(14);
        publisher.ExpectNothing();
        _broker.TurnSeconds(2);
        publisher.ExpectDisconnect(ReasonCode.KeepAliveTimeout);
    }

    [Fact]
    public void Who_is_left_unread_is_read_again_as_soon_as_it_has_something_to_acknowledge_and_counts_no_more_when_it_goes()
    {
        _broker.Subscriber("held", "u");
        var both = _broker.Subscriber("both", "t");
        var gone = _broker.Connect("gone");
        var filler = _broker.Connect("filler");
        for (ushort i = 1; i <= 40; i++)
        {
            filler.Send(new PublishPacket(TestLink.Message("u", Large, QualityOfService.AtLeastOnce)) { PacketIdentifier = new(i) });
        }

        both.Publish("nobody");
        gone.Publish("nobody");
        Assert.True(both.IsPaused);
        Assert.Equal(3, _broker.Counters.PausedConnections);
        gone.Lose();
        Assert.Equal(2, _broker.Counters.PausedConnections);
        var other = _broker.Connect("other");
        other.Send(new PublishPacket(TestLink.Message("t", "x", QualityOfService.AtLeastOnce)) { PacketIdentifier = new(1) });

        Assert.False(both.IsPaused);
        Assert.True(other.IsPaused);
        both.Acknowledge(both.NextMessage("x"));
        both.Publish("nobody");
        Assert.True(both.IsPaused);
    }

    [Fact]
    public void Very_many_that_are_left_unread_are_read_again_in_slices_and_one_that_owes_at_once()
    {
        const int Count = 3 * MemoryPressure.ResumedPerTurn;
        var held = _broker.Subscriber("held", "u");
        var filler = _broker.Connect("filler");
        for (ushort i = 1; i <= 40; i++)
        {
            filler.Send(new PublishPacket(TestLink.Message("u", Large, QualityOfService.AtLeastOnce)) { PacketIdentifier = new(i) });
        }

        var publishers = Enumerable.Range(0, Count).Select(i => _broker.Subscriber($"publisher{i}", $"own/{i}")).ToList();
        publishers.ForEach(publisher => publisher.Publish("nobody"));
        Assert.Equal(Count + 1, _broker.Counters.PausedConnections);

        // Without a turn, and whoever else is left unread.
        var own = new PublishPacket(TestLink.Message("own/5", "x", QualityOfService.AtLeastOnce)) { PacketIdentifier = new(1) };
        _broker.Engine.Receive(_broker.Connect("other").Connection, TestLink.Bytes(own), _broker.Now);
        Assert.False(publishers[5].IsPaused);

        foreach (var message in held.All().Cast<PublishPacket>())
        {
            var acknowledgement = new AcknowledgementPacket(PacketType.PubAck, message.PacketIdentifier);
            _broker.Engine.Receive(held.Connection, TestLink.Bytes(acknowledgement), _broker.Now);
        }

        for (var left = _broker.Counters.PausedConnections; left > 0; left = _broker.Counters.PausedConnections)
        {
            _broker.Engine.Advance(_broker.Now);
            _broker.Engine.Flush(_broker.Now);
            Assert.Equal(Math.Max(0, left - MemoryPressure.ResumedPerTurn), _broker.Counters.PausedConnections);
            Assert.Equal(_broker.Counters.PausedConnections > 0, _broker.Engine.HasWork);
        }

        Assert.All(publishers, publisher => Assert.False(publisher.IsPaused));
    }

    [Fact]
    public void Who_has_65535_messages_unacknowledged_and_publishes_on_is_left_unread_for_what_is_withheld_from_it()
    {
        // Beyond the bound, but not by a quarter.
        var slow = Fill(messages: 17);
        var publisher = _broker.ConnectV311("publisher");
        var sent = 0;
        while (!publisher.IsPaused && sent < ushort.MaxValue)
        {
            sent++;
            publisher.Send(new PublishPacket(TestLink.Message("nobody", "", QualityOfService.AtLeastOnce))
            {
                PacketIdentifier = new((ushort)sent),
            });
        }

        // A quarter of the bound at most, in pieces of 32 bytes.
        Assert.InRange(sent, 1000, Mebibyte / 4 / 32 + 1);
        slow.All().Cast<PublishPacket>().ToList().ForEach(slow.Acknowledge);
        Assert.False(publisher.IsPaused);
        Assert.Equal(Enumerable.Range(1, sent), Acknowledgements(publisher));
    }

    [Fact]
    public void Messages_for_clients_that_are_away_never_hold_up_those_who_are_there()
    {
        for (var i = 0; i < 3; i++)
        {
            _broker.Subscriber($"away{i}", "t/" + i, with: connect => connect with { SessionExpiryInterval = 1000 }).Lose();
        }

        var subscriber = _broker.Subscriber("there", "here");
        var publisher = _broker.Connect("publisher");
        for (var i = 0; i < 100; i++)
        {
            Assert.Equal(ReasonCode.Success, publisher.PublishAcknowledged($"t/{i % 3}", Large));
            Assert.Equal(ReasonCode.Success, publisher.PublishAcknowledged("here", Large));
            subscriber.Acknowledge(subscriber.NextMessage(Large));
        }

        Assert.Equal(0, _broker.Counters.WithheldAcknowledgements);
        Assert.InRange(_broker.Counters.DroppedMemoryShort, 80, 99);
        Assert.Equal(0, _broker.Counters.DroppedQueueFull);
    }

    /// <summary>Takes the memory away from which acknowledgements are withheld, until the client that is returned acknowledges.</summary>
    private TestLink Fill(ushort messages = 30)
    {
        var slow = _broker.Subscriber("slow", "t");
        var filler = _broker.Connect("filler");
        for (ushort i = 1; i <= messages; i++)
        {
            Send(filler, i);
        }

        return slow;
    }

    private static void Send(
        TestLink publisher, ushort identifier, QualityOfService qos = QualityOfService.AtLeastOnce, bool dup = false) =>
        publisher.Send(new PublishPacket(TestLink.Message("t", Large, qos)) { PacketIdentifier = new(identifier), Dup = dup });

    private static List<int> Acknowledgements(TestLink publisher) =>
        [.. publisher.All().Cast<AcknowledgementPacket>().Select(acknowledgement => (int)acknowledgement.PacketIdentifier.Value)];
}
