using System.Globalization;
using System.Text;
using Antiphon.Broker;
using Antiphon.Client;
using Antiphon.Protocol;

namespace Antiphon.Simulation.Messages;

/// <summary>
/// Two publishers and two subscribers whose Sessions live on through all that the network does to them:
/// QoS 0 comes at most once, QoS 1 at least once, QoS 2 exactly once, each in the order of its publishing (MQTT 5 §4.3, §4.6).
/// </summary>
internal sealed class MessageScenario : IScenario
{
    private const int Messages = 120;
    private static readonly QualityOfService[] Levels =
        [QualityOfService.AtMostOnce, QualityOfService.AtLeastOnce, QualityOfService.ExactlyOnce];

    private readonly List<Publisher> _publishers = [];
    private readonly List<Subscriber> _subscribers = [];
    private int _begun;

    public MessageScenario(int seed)
    {
        World = new World(seed, new BrokerOptions { AllowAnonymous = true, ReceiveMaximum = (ushort)new Chance(seed).Between(1, 20) });
        for (var i = 0; i < 2; i++)
        {
            _subscribers.Add(new Subscriber(Start($"sub{i}"), World));
            _publishers.Add(new Publisher(Start($"pub{i}")));
        }
    }

    public World World { get; }

    public bool HasMore => _begun < Messages;

    public bool IsSettled => _publishers.TrueForAll(static publisher => publisher.Pending.Count == 0)
        && _subscribers.TrueForAll(subscriber => subscriber.IsSettled && World.IsFree(subscriber.Client));

    private bool IsSubscribed => _subscribers.TrueForAll(static subscriber => subscriber.IsSubscribed);

    public void Act()
    {
        if (!IsSubscribed)
        {
            return;
        }

        var publisher = World.Chance.Of(_publishers);
        publisher.Publish(World.Chance.Of(Levels), _begun++, World.Chance.Between(0, 300));
    }

    public void Disturb() => World.DisturbNetwork();

    public void Check()
    {
        foreach (var publisher in _publishers)
        {
            publisher.Poll();
        }
    }

    public void CheckEnd()
    {
        foreach (var subscriber in _subscribers)
        {
            foreach (var publisher in _publishers)
            {
                subscriber.CheckAgainst(publisher);
            }
        }

        Assert.All(
            _publishers,
            publisher => Assert.True(World.IsFree(publisher.Client), $"{publisher.Client.ClientId} is not free at the end."));
        Assert.Equal(0, World.Broker.Engine.Counters.Read().WithheldAcknowledgements);
    }

    private MqttClient Start(string name)
    {
        var process = World.StartProcess(name);
        return MqttClient.Start(process.Options with
        {
            SessionExpiry = Timeout.InfiniteTimeSpan,
            KeepAlive = TimeSpan.FromSeconds(World.Chance.Between(5, 20)),
            ReceiveMaximum = (ushort)World.Chance.Between(1, 20),
            TopicAliasMaximum = (ushort)World.Chance.Between(0, 3),
            MaximumTopicAliases = (ushort)World.Chance.Between(0, 3),
        });
    }

    private sealed class Publisher(MqttClient client)
    {
        public MqttClient Client { get; } = client;

        public List<(QualityOfService QoS, int Number, ValueTask<PublishResult> Task)> Pending { get; } = [];

        public List<(QualityOfService QoS, int Number)> Published { get; } = [];

        public void Publish(QualityOfService qos, int number, int padding)
        {
            var message = new ApplicationMessage
            {
                Topic = $"from/{Client.ClientId}/{(int)qos}",
                Payload = Encoding.UTF8.GetBytes(number.ToString(CultureInfo.InvariantCulture).PadRight(padding)),
                QoS = qos,
            };
            Published.Add((qos, number));
            Pending.Add((qos, number, Client.PublishAsync(message)));
        }

        public void Poll()
        {
            for (var i = Pending.Count - 1; i >= 0; i--)
            {
                if (Pending[i].Task.IsCompleted)
                {
                    Assert.Equal(ReasonCode.Success, Pending[i].Task.GetAwaiter().GetResult().ReasonCode);
                    Pending.RemoveAt(i);
                }
            }
        }
    }

    private sealed class Subscriber
    {
        private readonly Task<Subscription> _subscribing;
        private readonly List<(string Topic, int Number)> _received = [];
        private int _running;

        public Subscriber(MqttClient client, World world)
        {
            Client = client;
            var chance = world.Chance;
            _subscribing = client.SubscribeAsync(
                "from/+/+",
                (message, _) =>
                {
                    _received.Add((message.Topic, int.Parse(Encoding.UTF8.GetString(message.Payload.Span), CultureInfo.InvariantCulture)));
                    return chance.Happens(0.7)
                        ? ValueTask.CompletedTask
                        : TakeTimeAsync(world.Clock, chance.Duration(TimeSpan.FromSeconds(1)));
                },
                new SubscribeOptions { MaximumQoS = QualityOfService.ExactlyOnce });
        }

        public MqttClient Client { get; }

        public bool IsSubscribed => _subscribing.IsCompletedSuccessfully;

        public bool IsSettled => IsSubscribed && _running == 0;

        public void CheckAgainst(Publisher publisher)
        {
            foreach (var qos in Levels)
            {
                var sent = publisher.Published.Where(one => one.QoS == qos).Select(one => one.Number).ToList();
                var topic = $"from/{publisher.Client.ClientId}/{(int)qos}";
                var all = _received.Where(one => one.Topic == topic).Select(one => one.Number).ToList();
                var firsts = all.Distinct().ToList();
                if (qos == QualityOfService.AtMostOnce)
                {
                    Assert.Equal(firsts, all);
                    Assert.Equal(sent.Intersect(firsts), firsts);
                }
                else
                {
                    Assert.Equal(sent, firsts);
                    Assert.True(qos == QualityOfService.AtLeastOnce || all.Count == firsts.Count, "A QoS 2 message came twice.");
                }
            }
        }

        private async ValueTask TakeTimeAsync(TimeProvider clock, TimeSpan time)
        {
            _running++;
            await Task.Delay(time, clock);
            _running--;
        }
    }
}
