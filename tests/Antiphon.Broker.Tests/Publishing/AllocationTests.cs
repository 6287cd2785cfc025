using System.Buffers.Binary;
using Antiphon.Broker.Access;
using Antiphon.Broker.Connections;
using Antiphon.Broker.Timing;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;
using Antiphon.Protocol.Properties;
using Antiphon.Protocol.Wire;

namespace Antiphon.Broker.Tests.Publishing;

/// <summary>The gate: in steady state the path of a message allocates nothing.</summary>
public sealed class AllocationTests
{
    private const int Messages = 100_000;

    /// <summary>Bytes in all, not for each message: what the runtime may do beside.</summary>
    private const long Allowed = 1024;

    private BrokerEngine _engine = new(new BrokerOptions(), new Random(1).NextBytes);
    private readonly Instant _start = new(TimeSpan.FromSeconds(1));
    private long _sent;
    private Once? _judge;

    [Theory]
    [InlineData(QualityOfService.AtMostOnce, 100)]
    [InlineData(QualityOfService.AtLeastOnce, 100)]
    [InlineData(QualityOfService.ExactlyOnce, 100)]
    [InlineData(QualityOfService.AtMostOnce, 10_000)]
    [InlineData(QualityOfService.AtLeastOnce, 10_000)]
    [InlineData(QualityOfService.ExactlyOnce, 10_000)]
    public void A_message_to_one_subscriber_allocates_nothing(QualityOfService qos, int size)
    {
        var subscriber = Connect(
            "subscriber",
            new SubscribePacket { PacketIdentifier = new(1), Subscriptions = [new("t/+", new(qos))], SubscriptionIdentifier = 7 });
        var publisher = Connect("publisher");
        var publish = Publish(
            new ApplicationMessage
            {
                Topic = "t/1",
                QoS = qos,
                Payload = new byte[size],
                UserProperties = [new UserProperty("a", "b")],
                MessageExpiryInterval = 60,
            });

        Gate(() => Turn(publisher, publish));

        Assert.Equal(_sent, subscriber.Published);
        Assert.Equal(qos == QualityOfService.AtMostOnce ? 0 : _sent, publisher.Acknowledged);
    }

    [Theory]
    [InlineData(QualityOfService.AtMostOnce)]
    [InlineData(QualityOfService.ExactlyOnce)]
    public void A_message_under_a_Topic_Alias_allocates_nothing_though_topics_displace_each_other(QualityOfService qos)
    {
        var subscribe = new SubscribePacket { PacketIdentifier = new(1), Subscriptions = [new("topic/+", new(qos))] };
        var subscriber = Connect("subscriber", connect => connect with { TopicAliasMaximum = 2 }, subscribe);
        var publisher = Connect("publisher");
        var publishes = Enumerable.Range(0, 7).Select(i => Publish(TestLink.Message($"topic/{i % 5}", "x", qos))).ToArray();

        Gate(() => Turn(publisher, publishes[_sent / 4 % 7]));

        Assert.Equal(_sent, subscriber.Published);
    }

    [Fact]
    public void A_message_to_many_subscribers_of_which_some_are_its_publisher_allocates_nothing()
    {
        var noLocal = new SubscribePacket
        {
            PacketIdentifier = new(1),
            Subscriptions = [new("t", new(QualityOfService.AtLeastOnce, NoLocal: true))],
        };
        var others = Enumerable.Range(0, 3).Select(i => Connect($"subscriber{i}", noLocal)).ToList();
        var publisher = Connect("publisher", noLocal);
        var publish = Publish(TestLink.Message("t", "x", QualityOfService.AtLeastOnce));

        Gate(() => Turn(publisher, publish));

        Assert.All(others, other => Assert.Equal(_sent, other.Published));
        Assert.Equal(0, publisher.Published);
    }

    [Fact]
    public void A_message_to_a_share_group_allocates_nothing()
    {
        var shared = new SubscribePacket
        {
            PacketIdentifier = new(1),
            Subscriptions = [new("$share/g/t", new(QualityOfService.AtLeastOnce))],
        };
        var members = Enumerable.Range(0, 4).Select(i => Connect($"member{i}", shared)).ToList();
        var publisher = Connect("publisher");
        var publish = Publish(TestLink.Message("t", "x", QualityOfService.AtLeastOnce));

        Gate(() => Turn(publisher, publish));

        Assert.Equal(_sent, members.Sum(member => member.Published));
        Assert.All(members, member => Assert.NotEqual(0, member.Published));
    }

    [Fact]
    public void A_message_that_waits_for_the_Receive_Maximum_allocates_nothing()
    {
        var narrow = Connect(
            "narrow",
            connect => connect with { ReceiveMaximum = 1 },
            new SubscribePacket { PacketIdentifier = new(1), Subscriptions = [new("t", new(QualityOfService.AtLeastOnce))] });
        var publisher = Connect("publisher");
        var publish = Publish(TestLink.Message("t", "x", QualityOfService.AtLeastOnce));
        var four = new[] { publish, publish, publish, publish }.SelectMany(bytes => bytes).ToArray();

        Gate(() => Turn(publisher, four));

        Assert.Equal(4 * _sent, narrow.Published);
    }

    [Theory]
    [InlineData(QualityOfService.AtMostOnce, 100)]
    [InlineData(QualityOfService.AtLeastOnce, 10_000)]
    public void Replacing_a_retained_message_allocates_nothing(QualityOfService qos, int size)
    {
        var subscriber = Connect("subscriber", new SubscribePacket { PacketIdentifier = new(1), Subscriptions = [new("t/+", new(qos))] });
        var publisher = Connect("publisher");
        var publish = Publish(
            new ApplicationMessage { Topic = "t/1", QoS = qos, Retain = true, Payload = new byte[size], MessageExpiryInterval = 60 });

        Gate(() => Turn(publisher, publish));

        Assert.Equal(_sent, subscriber.Published);
        Assert.Equal(1, _engine.Counters.RetainedMessages);
    }

    [Theory]
    [InlineData(QualityOfService.AtMostOnce)]
    [InlineData(QualityOfService.AtLeastOnce)]
    [InlineData(QualityOfService.ExactlyOnce)]
    public void A_request_and_its_response_allocate_nothing(QualityOfService qos)
    {
        var requester = Connect("requester", connect => connect with { RequestResponseInformation = true });
        var root = requester.ResponseInformation!;
        Send(requester, TestLink.Bytes(new SubscribePacket { PacketIdentifier = new(1), Subscriptions = [new(root + "/0", new(qos))] }));
        var responder = Connect("responder", new SubscribePacket { PacketIdentifier = new(1), Subscriptions = [new("service", new(qos))] });
        var correlation = new byte[16];
        correlation[^1] = 0xC5;
        var request = Publish(
            new ApplicationMessage
            {
                Topic = "service",
                QoS = qos,
                Payload = "?"u8.ToArray(),
                ResponseTopic = root + "/0",
                CorrelationData = correlation,
                MessageExpiryInterval = 5,
            });
        var response = Publish(
            new ApplicationMessage { Topic = root + "/0", QoS = qos, Payload = "!"u8.ToArray(), CorrelationData = correlation });
        var inRequest = request.AsSpan().IndexOf(correlation);
        var inResponse = response.AsSpan().IndexOf(correlation);

        Gate(() =>
        {
            BinaryPrimitives.WriteInt64LittleEndian(request.AsSpan(inRequest), _sent);
            BinaryPrimitives.WriteInt64LittleEndian(response.AsSpan(inResponse), _sent);
            Turn(requester, request);
            Send(responder, response);
            Settle(responder);
            Settle(requester);
        });

        Assert.Equal(_sent, responder.Published);
        Assert.Equal(_sent, requester.Published);
        Assert.Equal(0, _engine.Counters.OpenExchanges);
        Assert.Equal(0, _engine.Counters.UninvitedResponses);
    }

    [Theory]
    [InlineData(QualityOfService.AtMostOnce)]
    [InlineData(QualityOfService.AtLeastOnce)]
    public void A_message_that_the_access_rules_judge_allocates_nothing(QualityOfService qos)
    {
        UseRules(stampsCallers: false);
        var subscriber = Connect("subscriber", new SubscribePacket { PacketIdentifier = new(1), Subscriptions = [new("t/+", new(qos))] });
        var publisher = Connect("publisher");

        // A refusal with QoS 1 says why, which takes a packet.
        var denied = qos == QualityOfService.AtMostOnce ? 4 : 0;
        var topics = Enumerable.Range(0, 12).Select(i => $"{(i < denied ? "denied" : "t")}/{i}");
        var publishes = topics.Select(topic => Publish(TestLink.Message(topic, "x", qos))).ToArray();

        Gate(() => Turn(publisher, publishes[_sent % 12]));

        Assert.Equal(_sent, subscriber.Published + _engine.Counters.DeniedMessages);
        Assert.Equal(denied > 0, _engine.Counters.DeniedMessages > 0);
    }

    [Theory]
    [InlineData(QualityOfService.AtMostOnce)]
    [InlineData(QualityOfService.AtLeastOnce)]
    public void A_request_that_is_stamped_allocates_nothing(QualityOfService qos)
    {
        UseRules(stampsCallers: true);
        var responder = Connect("responder", new SubscribePacket { PacketIdentifier = new(1), Subscriptions = [new("t/+", new(qos))] });
        var requester = Connect("requester");
        var message = TestLink.Message("t/1", "?", qos) with { ResponseTopic = "answers" };
        var request = Publish(message with { UserProperties = [new UserProperty("__srcId", "requester")] });

        Gate(() => Turn(requester, request));

        Assert.Equal(_sent, responder.Published);
    }

    [Theory]
    [InlineData(QualityOfService.AtMostOnce)]
    [InlineData(QualityOfService.AtLeastOnce)]
    public void A_message_that_counts_towards_a_rate_allocates_nothing(QualityOfService qos)
    {
        // No time passes here, so that the burst has to do.
        _engine = new BrokerEngine(
            new BrokerOptions { MaximumPublishesPerSecond = 1_000_000, MaximumPublishBurst = 10_000_000 }, new Random(1).NextBytes);
        var subscriber = Connect("subscriber", new SubscribePacket { PacketIdentifier = new(1), Subscriptions = [new("t", new(qos))] });
        var publisher = Connect("publisher");
        var publish = Publish(TestLink.Message("t", "x", qos));

        Gate(() => Turn(publisher, publish));

        Assert.Equal(_sent, subscriber.Published);
        Assert.Equal(0, _engine.Counters.DroppedOverRate + _engine.Counters.DelayedOverRate);
        Assert.NotNull(_engine.FindSession("publisher")!.Pace);
    }

    [Theory]
    [InlineData(QualityOfService.AtMostOnce)]
    [InlineData(QualityOfService.AtLeastOnce)]
    public void A_message_about_which_the_authorizer_has_decided_allocates_nothing(QualityOfService qos)
    {
        _judge = new Once();
        _engine = new BrokerEngine(new BrokerOptions { Authorizer = _judge }, new Random(1).NextBytes);
        var subscriber = Connect("subscriber", new SubscribePacket { PacketIdentifier = new(1), Subscriptions = [new("t/+", new(qos))] });
        var publisher = Connect("publisher");
        var publishes = Enumerable.Range(0, 12).Select(i => Publish(TestLink.Message($"t/{i}", "x", qos))).ToArray();

        Gate(() => Turn(publisher, publishes[_sent % 12]));

        Assert.Equal(_sent, subscriber.Published);
        Assert.InRange(_judge.Asked, 12, 14);
    }

    private readonly List<CountingLink> _links = [];

    /// <summary>Allows everything for as long as a connection lasts.</summary>
    private sealed class Once : IAuthorizer
    {
        public int Asked { get; private set; }

        public ValueTask<AuthorizationResult> AuthorizeAsync(AuthorizationRequest request, CancellationToken cancellationToken)
        {
            Asked++;
            return ValueTask.FromResult(AuthorizationResult.Allow(TimeSpan.MaxValue));
        }
    }

    private void UseRules(bool stampsCallers)
    {
        const Permissions Some = Permissions.Publish | Permissions.Subscribe | Permissions.Request;
        AccessRule[] rules =
        [
            new() { Allows = false, Permissions = Permissions.Publish, Topics = ["${clientid}/secret/#"], To = ["*"] },
            new() { Allows = true, Permissions = Some, Topics = ["t/#"], To = ["*"] },
        ];
        _engine = new BrokerEngine(
            new BrokerOptions { AccessRules = new AccessRules(rules), StampCaller = stampsCallers }, new Random(1).NextBytes);
    }

    private void Gate(Action turn)
    {
        for (var i = 0; i < 20_000; i++)
        {
            turn();
            _sent++;
        }

        // What a turn allocates shows in every round. A table that grows once, or the runtime on its own account, shows in one.
        var least = long.MaxValue;
        for (var round = 0; round < 3 && least > Allowed; round++)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            for (var i = 0; i < Messages; i++)
            {
                turn();
                _sent++;
            }

            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        Assert.True(least <= Allowed, $"{Messages} turns allocated {least} bytes.");
    }

    /// <summary>One message, and the acknowledgements that it leads to.</summary>
    private void Turn(CountingLink publisher, byte[] publish)
    {
        Send(publisher, publish);
        foreach (var link in _links)
        {
            Settle(link);
        }
    }

    /// <summary>The client acknowledges until it owes nothing.</summary>
    private void Settle(CountingLink link)
    {
        while (link.TakeAcknowledgements() is { Length: > 0 } acknowledgements)
        {
            Send(link, acknowledgements);
        }
    }

    private void Send(CountingLink link, ReadOnlySpan<byte> bytes)
    {
        _engine.Receive(link.Connection, bytes, _start);
        while (_engine.TryTakeQuestion(out var question))
        {
            Assert.True(question.RunAsync(_judge!).IsCompletedSuccessfully);
            _engine.Authorized(question, _start);
        }

        _engine.Advance(_start);
        do
        {
            _engine.Flush(_start);
        }
        while (_engine.HasOutput);
    }

    private CountingLink Connect(string clientId, params Packet[] packets) => Connect(clientId, connect => connect, packets);

    private CountingLink Connect(string clientId, Func<ConnectPacket, ConnectPacket> with, params Packet[] packets)
    {
        var link = new CountingLink(_engine, _start);
        link.Connection = _engine.Open(link, new ConnectionOrigin { Listener = "test" }, _start);
        _links.Add(link);
        var connect = with(new ConnectPacket { ClientId = clientId });
        Send(link, TestLink.Bytes([connect, .. packets]));
        return link;
    }

    private static byte[] Publish(ApplicationMessage message) =>
        TestLink.Bytes(new PublishPacket(message) { PacketIdentifier = new((ushort)message.QoS) });

    /// <summary>A client that counts and acknowledges what it gets, and allocates nothing itself.</summary>
    private sealed class CountingLink(BrokerEngine engine, Instant now) : ILink
    {
        private readonly byte[] _acknowledgements = new byte[4096];
        private readonly byte[] _received = new byte[256 * 1024];
        private readonly ArraySegment<byte>[] _pieces = new ArraySegment<byte>[64];
        private int _owed;

        public Connection Connection { get; set; } = null!;

        public string? ResponseInformation { get; private set; }

        public long Published { get; private set; }

        public long Acknowledged { get; private set; }

        public ReadOnlySpan<byte> TakeAcknowledgements()
        {
            var owed = _acknowledgements.AsSpan(0, _owed);
            _owed = 0;
            return owed;
        }

        public void Flush()
        {
            var output = Connection.Output;
            var length = 0;
            while (output.Length > 0)
            {
                if (output.IsContiguous)
                {
                    output.Own.CopyTo(_received.AsSpan(length));
                    length += output.Length;
                    output.Consume(output.Length);
                }
                else
                {
                    var count = 0;
                    foreach (var piece in _pieces.AsSpan(0, output.Pieces(_pieces)))
                    {
                        piece.AsSpan().CopyTo(_received.AsSpan(length + count));
                        count += piece.Count;
                    }

                    length += count;
                    output.Consume(count);
                }
            }

            Count(_received.AsSpan(0, length));
            engine.OutputSent(Connection, now);
        }

        public void PauseReading() => throw new InvalidOperationException("Memory is not short.");

        public void ResumeReading()
        {
        }

        public void Abort() => throw new InvalidOperationException("A well-behaved client was cut off.");

        private void Owe(byte first, ushort identifier)
        {
            _acknowledgements[_owed] = first;
            _acknowledgements[_owed + 1] = 2;
            BinaryPrimitives.WriteUInt16BigEndian(_acknowledgements.AsSpan(_owed + 2), identifier);
            _owed += 4;
        }

        private void Count(ReadOnlySpan<byte> bytes)
        {
            while (FrameReader.TryRead(bytes, uint.MaxValue, out var frame, out _) == FrameStatus.Complete)
            {
                bytes = bytes[frame.Length..];
                switch (frame.Type)
                {
                    case PacketType.Publish:
                        Published++;
                        if (PublishView.TryDecode(frame, ProtocolVersion.V5, out var publish, out _)
                            && publish.QoS > QualityOfService.AtMostOnce)
                        {
                            Owe(publish.QoS == QualityOfService.AtLeastOnce ? (byte)0x40 : (byte)0x50, publish.PacketIdentifier.Value);
                        }

                        break;
                    case PacketType.PubRec or PacketType.PubRel:
                        Assert.True(frame.Body.Length == 2, "PUBREC or PUBREL says that something went wrong.");
                        Owe(frame.Type == PacketType.PubRec ? (byte)0x62 : (byte)0x70, BinaryPrimitives.ReadUInt16BigEndian(frame.Body));
                        break;
                    case PacketType.PubAck or PacketType.PubComp:
                        Assert.True(frame.Body.Length == 2, "PUBACK or PUBCOMP says that something went wrong.");
                        Acknowledged++;
                        break;
                    case PacketType.ConnAck when PacketDecoder.TryDecode(frame, ProtocolVersion.V5, out var packet, out _):
                        ResponseInformation = ((ConnAckPacket)packet).ResponseInformation;
                        break;
                    default:
                        break;
                }
            }
        }
    }
}
