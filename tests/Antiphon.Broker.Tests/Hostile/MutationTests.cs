using System.Globalization;
using System.Security.Cryptography;
using Antiphon.Broker.Authentication;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;
using Antiphon.Protocol.Properties;

namespace Antiphon.Broker.Tests.Hostile;

/// <summary>
/// Valid packets with something wrong in them, from many peers, into a living engine. ANTIPHON_SEED repeats a run;
/// it goes on for ANTIPHON_FUZZ_SECONDS, 60 in <c>./test</c>, and for 15,000 peers at least.
/// </summary>
public sealed class MutationTests(ITestOutputHelper output)
{
    private const int Peers = 15_000;

    private static readonly byte[][] Connects =
    [
        TestLink.Bytes(new ConnectPacket { ClientId = "x" }),
        TestLink.Bytes(new ConnectPacket
        {
            ClientId = "y",
            KeepAlive = 5,
            SessionExpiryInterval = 3,
            ReceiveMaximum = 2,
            MaximumPacketSize = 60,
            RequestResponseInformation = true,
            UserProperties = [new UserProperty("a", "b")],
            Will = new Will(
                TestLink.Message("a/b", "gone", QualityOfService.AtLeastOnce) with { MessageExpiryInterval = 3 }) { DelayInterval = 1 },
            UserName = "u",
            Password = new byte[] { 1 },
        }),
        TestLink.Bytes(new ConnectPacket { ClientId = "z", CleanStart = true, SessionExpiryInterval = uint.MaxValue }),
        TestLink.Bytes(new ConnectPacket { ClientId = "", ProtocolVersion = ProtocolVersion.V311, CleanStart = true }),
        TestLink.Bytes(new ConnectPacket { ClientId = "v", AuthenticationMethod = "m", AuthenticationData = new byte[] { 1 } }),
        TestLink.Bytes(
            new ConnectPacket { ClientId = "w", AuthenticationMethod = "m" },
            new AuthPacket { ReasonCode = ReasonCode.ContinueAuthentication, AuthenticationMethod = "m" }),
    ];

    private static readonly byte[][] Others =
    [
        TestLink.Bytes(new SubscribePacket
        {
            PacketIdentifier = new(1),
            Subscriptions =
            [
                new("a/#", new(QualityOfService.AtLeastOnce, NoLocal: true)),
                new("+/b", default),
                new("$share/g/a/+", new(QualityOfService.ExactlyOnce)),
            ],
            SubscriptionIdentifier = 300,
        }),
        TestLink.Bytes(
            new SubscribePacket
            {
                PacketIdentifier = new(2),
                Subscriptions = [new("$reply/x", new(QualityOfService.AtLeastOnce)), new("#", new(QualityOfService.AtLeastOnce))],
            }),
        TestLink.Bytes(new UnsubscribePacket { PacketIdentifier = new(3), TopicFilters = ["a/#", "$share/g/a/+"] }),
        TestLink.Bytes(new PublishPacket(TestLink.Message("a/b", "0"))),
        TestLink.Bytes(new PublishPacket(TestLink.Message("a/b", new string('x', 5000)))),
        TestLink.Bytes(new PublishPacket(new ApplicationMessage
        {
            Topic = "a/b",
            QoS = QualityOfService.AtLeastOnce,
            Payload = "1"u8.ToArray(),
            ContentType = "text",
            CorrelationData = new byte[] { 1, 2 },
            ResponseTopic = "a/c",
            MessageExpiryInterval = 2,
            PayloadIsUtf8 = true,
            UserProperties = [new UserProperty("antiphon-replies", "3")],
        })
        {
            PacketIdentifier = new(4),
            TopicAlias = 1,
        }),
        TestLink.Bytes(new PublishPacket(TestLink.Message("", "alias")) { TopicAlias = 1 }),
        TestLink.Bytes(
            new AcknowledgementPacket(PacketType.PubAck, new(1)),
            new AcknowledgementPacket(PacketType.PubAck, new(2), ReasonCode.NotAuthorized)),
        TestLink.Bytes(
            new AcknowledgementPacket(PacketType.PubRec, new(1)),
            new AcknowledgementPacket(PacketType.PubRel, new(1)),
            new AcknowledgementPacket(PacketType.PubComp, new(1))),
        TestLink.Bytes(new PublishPacket(TestLink.Message("a/b", "2", QualityOfService.ExactlyOnce)) { PacketIdentifier = new(1) }),
        TestLink.Bytes(
            new PublishPacket(TestLink.Message("a/b", "2", QualityOfService.ExactlyOnce)) { PacketIdentifier = new(5), Dup = true }),
        TestLink.Bytes(PingReqPacket.Instance),
        TestLink.Bytes(new DisconnectPacket { ReasonCode = ReasonCode.DisconnectWithWillMessage, SessionExpiryInterval = 1 }),
        TestLink.Bytes(new AuthPacket { ReasonCode = ReasonCode.ReAuthenticate, AuthenticationMethod = "m" }),
        TestLink.Bytes(
            new AuthPacket
            {
                ReasonCode = ReasonCode.ContinueAuthentication,
                AuthenticationMethod = "m",
                AuthenticationData = new byte[] { 1 },
            }),
    ];

    private readonly List<TestLink> _peers = [];

    [Fact]
    public void Mutated_packets_never_throw_and_never_disturb_a_pair_beside_them()
    {
        var seed = int.TryParse(Environment.GetEnvironmentVariable("ANTIPHON_SEED"), CultureInfo.InvariantCulture, out var given)
            ? given
            : RandomNumberGenerator.GetInt32(int.MaxValue);
        output.WriteLine($"ANTIPHON_SEED={seed}");
        var random = new Random(seed);
        var broker = new HandTurnedBroker(new BrokerOptions
        {
            MaximumPacketSize = 20_000,
            MaximumOutputBytes = 20_000,
            MaximumQueuedMessages = 50,
            ReceiveMaximum = 3,
            AllowAnonymous = true,
            Authenticator = new Door(),
            AuthenticationMethods = [new Door()],
        });
        var requester = broker.Connect("well-behaved requester", connect => connect with { RequestResponseInformation = true });
        var responder = broker.Subscriber("well-behaved responder", "a service of its own/question");
        var root = requester.ConnAck.ResponseInformation! + "/0";
        requester.Subscribe(root);
        try
        {
            var limit = Environment.GetEnvironmentVariable("ANTIPHON_FUZZ_SECONDS");
            var seconds = double.TryParse(limit, CultureInfo.InvariantCulture, out var asked) ? asked : 0;
            var started = TimeProvider.System.GetTimestamp();
            for (var i = 0; i < Peers || TimeProvider.System.GetElapsedTime(started).TotalSeconds < seconds; i++)
            {
                Disturb(broker, random);
                Converse(requester, responder, root, i);
            }
        }
        catch (Exception failure)
        {
            throw new InvalidOperationException($"ANTIPHON_SEED={seed} leads to: {failure.Message}", failure);
        }

        broker.Turn(TimeSpan.FromDays(2));
        Assert.Equal(
            _peers.Count(peer => !peer.Aborted && peer.Connection.Phase != Broker.Connections.ConnectionPhase.Closed) + 2,
            broker.Counters.Connections);
    }

    private static void Converse(TestLink requester, TestLink responder, string root, int number)
    {
        var correlation = BitConverter.GetBytes(number);
        Assert.Equal(ReasonCode.Success, requester.PublishAcknowledged(
            TestLink.Message("a service of its own/question", "?") with
            {
                ResponseTopic = root,
                CorrelationData = correlation,
                MessageExpiryInterval = 10,
            }));
        var request = responder.NextMessage("?");
        responder.Acknowledge(request);
        Assert.Equal(
            ReasonCode.Success,
            responder.PublishAcknowledged(
                TestLink.Message(request.Message.ResponseTopic!, "!") with { CorrelationData = request.Message.CorrelationData }));
        var response = requester.NextMessage("!");
        Assert.True(correlation.AsSpan().SequenceEqual(response.Message.CorrelationData!.Value.Span));
        requester.Acknowledge(response);
        requester.ExpectNothing();
        responder.ExpectNothing();
    }

    private void Disturb(HandTurnedBroker broker, Random random)
    {
        var peer = broker.Open();
        peer.Reads = random.Next(10) > 0;
        _peers.Add(peer);
        var bytes = new List<byte>(Connects[random.Next(Connects.Length)]);
        if (random.Next(4) == 0)
        {
            Mutate(bytes, random);
        }

        for (var packets = random.Next(8); packets > 0; packets--)
        {
            var packet = new List<byte>(Others[random.Next(Others.Length)]);
            if (random.Next(3) == 0)
            {
                Mutate(packet, random);
            }

            bytes.AddRange(packet);
        }

        var all = bytes.ToArray().AsSpan();
        while (!all.IsEmpty && !peer.Aborted)
        {
            var length = random.Next(3) == 0 ? Math.Min(all.Length, random.Next(1, 50)) : all.Length;
            peer.Send(all[..length]);
            all = all[length..];
        }

        if (random.Next(5) == 0)
        {
            broker.Turn(TimeSpan.FromMilliseconds(random.Next(3000)));
        }

        // Some stay, some go; those that stay are taken apart at random later.
        while (_peers.Count > 0 && random.Next(_peers.Count < 30 ? 3 : 1) == 0 && _peers.Count > 5)
        {
            var leaving = _peers[random.Next(_peers.Count)];
            _peers.Remove(leaving);
            if (leaving.Reads && !leaving.Aborted)
            {
                leaving.Version = leaving.Connection.Version;
                leaving.All();
            }

            if (!leaving.Aborted && leaving.Connection.Phase != Broker.Connections.ConnectionPhase.Closed)
            {
                leaving.Lose();
            }

            if (_peers.Count < 30)
            {
                break;
            }
        }
    }

    /// <summary>Everybody comes through Authenticating: most are let in, some only after the second try.</summary>
    private sealed class Door : IAuthenticator, IAuthenticationMethod, IAuthenticationExchange
    {
        public string Name => "m";

        public ValueTask<AuthenticationResult> AuthenticateAsync(ConnectingClient client, CancellationToken cancellationToken) =>
            ValueTask.FromResult(client.Password is { Span: not [1] } ? AuthenticationResult.Reject() : AuthenticationResult.Accept());

        public IAuthenticationExchange Begin(ConnectingClient client) => this;

        public ValueTask<AuthenticationResult> NextAsync(ReadOnlyMemory<byte>? data, CancellationToken cancellationToken) =>
            ValueTask.FromResult(data switch
            {
                null => AuthenticationResult.Continue(new byte[] { 2 }),
                { Span: [1] } => AuthenticationResult.Accept(data: data),
                _ => AuthenticationResult.Reject(),
            });
    }

    private static void Mutate(List<byte> bytes, Random random)
    {
        for (var times = random.Next(1, 4); times > 0 && bytes.Count > 0; times--)
        {
            var at = random.Next(bytes.Count);
            switch (random.Next(7))
            {
                case 0:
                    bytes[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 1:
                    bytes[at] = (byte)random.Next(256);
                    break;
                case 2:
                    bytes[at] = random.Next(2) == 0 ? (byte)0 : (byte)255;
                    break;
                case 3:
                    bytes.Insert(at, (byte)random.Next(256));
                    break;
                case 4:
                    bytes.RemoveRange(at, random.Next(1, Math.Min(4, bytes.Count - at) + 1));
                    break;
                case 5:
                    bytes.InsertRange(at, bytes.GetRange(at, Math.Min(random.Next(1, 20), bytes.Count - at)));
                    break;
                default:
                    // A whole packet with its length put right again, so that the mistake lies within.
                    if (bytes.Count is > 2 and < 129)
                    {
                        bytes[random.Next(2, bytes.Count)] ^= (byte)(1 << random.Next(8));
                        bytes[1] = (byte)(bytes.Count - 2);
                    }

                    break;
            }
        }
    }
}
