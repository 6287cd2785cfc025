using Antiphon.Protocol;
using Antiphon.Protocol.Packets;

namespace Antiphon.Broker.Tests.Pressure;

/// <summary>These look at the memory of the whole process, so nothing else may run beside them.</summary>
[CollectionDefinition(nameof(MemoryAccountTests), DisableParallelization = true)]
public sealed class AloneInTheProcess;

/// <summary>
/// What the broker counts is what the process holds, whatever clients leave behind:
/// the bounds hold memory only where both follow each other.
/// </summary>
[Collection(nameof(MemoryAccountTests))]
public sealed class MemoryAccountTests
{
    private readonly HandTurnedBroker _broker = new();
    private readonly TestLink _publisher;

    public MemoryAccountTests() => _publisher = _broker.Connect("publisher");

    [Theory]
    [InlineData(2000, 300, 1)]
    [InlineData(5000, 5, 20)]
    [InlineData(20, 250, 60_000)]
    [InlineData(100, 1000, 900)]
    public void Messages_of_Sessions_that_are_away(int sessions, int messages, int size) => Measure(() =>
    {
        for (var i = 0; i < sessions; i++)
        {
            Leave(Subscriber($"away{i}", "t"));
        }

        Publish(messages, _ => "t", size);
        Assert.Equal(0, _broker.Counters.DroppedMemoryShort + _broker.Counters.DroppedQueueFull);
    });

    [Theory]
    [InlineData(100, 3000, 1)]
    [InlineData(500, 50, 300)]
    public void Messages_of_clients_that_never_acknowledge(int clients, int messages, int size) => Measure(() =>
    {
        var deaf = Enumerable.Range(0, clients).Select(i => Subscriber($"deaf{i}", "t")).ToArray();
        Publish(messages, _ => "t", size);

        // What they were sent stays unacknowledged when they go.
        Array.ForEach(deaf, Leave);
        Assert.Equal(0, _broker.Counters.DroppedMemoryShort + _broker.Counters.DroppedQueueFull);
    });

    [Theory]
    [InlineData(60_000, 10)]
    [InlineData(5000, 2000)]
    public void Retained_messages(int messages, int size) =>
        Measure(() => Publish(messages, i => $"house/room{i % 1000}/device{i}", size, retain: true));

    [Fact]
    public void Retained_messages_keep_the_names_of_their_publishers() => Measure(() =>
    {
        for (var i = 0; i < 2000; i++)
        {
            // A name of 4,000 characters takes 8 KB, and the Session has ended.
            var publisher = _broker.Connect($"{i}-" + new string('n', 4000));
            publisher.Publish(TestLink.Message($"t/{i}", "x") with { Retain = true });
            publisher.Publish(TestLink.Message($"u/{i}", "x") with { Retain = true });
            Leave(publisher);
        }

        Assert.InRange(_broker.Counters.RetainedBytes, 2000 * 8000, 2000 * 10_000);
    });

    [Fact]
    public void What_is_retained_is_forgotten_with_the_name_of_its_publisher()
    {
        var publisher = _broker.Connect(new string('n', 4000));
        publisher.Publish(TestLink.Message("t", "x") with { Retain = true });
        publisher.Publish(TestLink.Message("u", "x") with { Retain = true });
        publisher.Publish(TestLink.Message("u", "") with { Retain = true });
        Assert.InRange(_broker.Counters.RetainedBytes, 8000, 9000);
        _publisher.Publish(TestLink.Message("t", "y") with { Retain = true });
        Assert.InRange(_broker.Counters.RetainedBytes, 300, 1000);
        publisher.Publish(TestLink.Message("t", "") with { Retain = true });
        Assert.Equal(0, _broker.Counters.RetainedBytes);
    }

    [Theory]
    [InlineData(20_000, 1)]
    [InlineData(500, 100)]
    public void Sessions_and_subscriptions(int sessions, int subscriptions) => Measure(() =>
    {
        for (var i = 0; i < sessions; i++)
        {
            var link = Connect($"a-client-with-a-name-{i}");
            for (var j = 0; j < subscriptions; j++)
            {
                link.Subscribe($"house{i}/room{j}/lamp", QualityOfService.AtLeastOnce);
            }

            Leave(link);
        }
    });

    [Fact]
    public void A_crowd_of_Sessions_with_tiny_messages_stays_within_the_bound()
    {
        const int Bound = 8 * 1024 * 1024;
        var broker = new HandTurnedBroker(new BrokerOptions { MaximumBufferBytes = Bound });
        for (var i = 0; i < 500; i++)
        {
            var link = broker.Connect($"away{i}", connect => connect with { SessionExpiryInterval = 3600 });
            link.Subscribe("t", QualityOfService.AtLeastOnce);
            link.Send(new DisconnectPacket { ReasonCode = ReasonCode.Success });
            broker.Engine.Ended(link.Connection, broker.Now);
        }

        var publisher = broker.Connect("publisher");
        var held = Held();
        for (var i = 0; i < 2000; i++)
        {
            // A million deliveries of a byte, which take 44 MB.
            publisher.Send(
                new PublishPacket(TestLink.Message("t", "x", QualityOfService.AtLeastOnce)) { PacketIdentifier = new(1) });
            publisher.Next<AcknowledgementPacket>();
        }

        held = Held() - held;
        Assert.InRange(broker.Engine.BufferBytes, Bound * 2 / 5, Bound * 3 / 5);
        Assert.InRange(held, 0, Bound);
        Assert.True(broker.Counters.DroppedMemoryShort > 500_000);
        GC.KeepAlive(broker);
    }

    private TestLink Connect(string clientId) => _broker.Connect(clientId, connect => connect with { SessionExpiryInterval = 3600 });

    private TestLink Subscriber(string clientId, string filter)
    {
        var link = Connect(clientId);
        link.Subscribe(filter, QualityOfService.AtLeastOnce);
        return link;
    }

    private void Leave(TestLink link)
    {
        link.Send(new DisconnectPacket { ReasonCode = ReasonCode.Success });
        _broker.Engine.Ended(link.Connection, _broker.Now);
        _broker.Settle();
    }

    private void Publish(int messages, Func<int, string> topic, int size, bool retain = false)
    {
        for (var i = 0; i < messages; i++)
        {
            _publisher.Send(new PublishPacket(
                TestLink.Message(topic(i), new string('x', size), QualityOfService.AtLeastOnce) with { Retain = retain })
            { PacketIdentifier = new(1) });
            _publisher.Next<AcknowledgementPacket>();
        }
    }

    private void Measure(Action fill)
    {
        var (held, counted) = (Held(), Counted());
        fill();
        held = Held() - held;
        counted = Counted() - counted;

        TestContext.Current.TestOutputHelper?.WriteLine($"counted {counted}, held {held}: {(double)counted / held:0.00}");
        Assert.InRange((double)counted / held, 0.75, 1.33);
        GC.KeepAlive(_broker);
    }

    private static long Held() => GC.GetTotalMemory(forceFullCollection: true);

    private long Counted() => _broker.Engine.BufferBytes + _broker.Engine.SessionBytes + _broker.Counters.RetainedBytes;
}
