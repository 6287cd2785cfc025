using System.Text;
using Antiphon.Broker.Access;
using Antiphon.Broker.Buffers;
using Antiphon.Broker.Connections;
using Antiphon.Broker.Exchanges;
using Antiphon.Broker.Limits;
using Antiphon.Broker.Messages;
using Antiphon.Broker.Pressure;
using Antiphon.Broker.Publishing;
using Antiphon.Broker.ResponseTopics;
using Antiphon.Broker.Retained;
using Antiphon.Broker.Sessions;
using Antiphon.Broker.Subscriptions;
using Antiphon.Broker.Timing;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;
using Antiphon.Protocol.Topics;

namespace Antiphon.Broker.Tests.Publishing;

/// <summary>What routing says of a message. All Sessions here are away.</summary>
public sealed class RouterTests
{
    private readonly Instant _now = new(TimeSpan.FromSeconds(1));
    private readonly SubscriptionTable _subscriptions;
    private readonly Router _router;
    private readonly Session _requester = new("requester");
    private readonly byte[] _responseTopic;

    public RouterTests()
    {
        var options = new BrokerOptions { MaximumQueuedMessages = 2 };
        var counters = new EngineCounters();
        var comparer = new Utf8Comparer(7);
        var tree = new SubscriptionTree(comparer);
        var cache = new MatchCache(tree, comparer);
        var account = new MemoryAccount();
        var messages = new MessagePool(new BufferPool(account));
        var wheel = new TimingWheel();
        var flushList = new FlushList();
        var inForce = new OptionsInForce(options);
        var retained = new RetainedStore(inForce, comparer, messages, wheel, counters);
        var exchanges = new ExchangeTable(inForce, comparer, wheel, watch: null, counters);
        var memory = new SessionMemory(inForce);
        var writer = new MessageWriter(comparer, memory, flushList, counters);
        var sender = new Sender(
            inForce, account, writer, messages, exchanges, new MemoryPressure(inForce, account, counters), wheel, flushList, counters);
        var access = new AccessControl(inForce);
        _subscriptions = new SubscriptionTable(
            inForce,
            tree,
            cache,
            new RetainedWalks(retained, sender, memory),
            access,
            new MessageLimits(inForce, counters),
            memory,
            counters);
        var responseTopics = new OwnResponseTopics(comparer, new Random(1).NextBytes);
        var fanOuts = new FanOuts(cache, exchanges, sender, messages, flushList, counters);
        _router = new Router(fanOuts, responseTopics, exchanges, retained, sender, messages, counters);
        _responseTopic = Encoding.UTF8.GetBytes(responseTopics.Grant(_requester));
    }

    [Fact]
    public void Whom_no_subscription_matches_is_told_so() => Assert.Equal(new RoutingResult(ReasonCode.NoMatchingSubscribers), Route());

    [Fact]
    public void Every_Session_that_keeps_the_message_is_a_recipient_and_one_that_drops_it_is_none()
    {
        Subscribe("first", "service");
        Subscribe("second", "service");
        Subscribe("logger", "#");
        Subscribe("lossy", "service", QualityOfService.AtMostOnce);

        var result = Route();

        Assert.Equal((ReasonCode.Success, 3), (result.Code, result.Recipients));
        var exchange = result.Exchange!;
        Assert.Same(_requester, exchange.Requester);
    }

    [Fact]
    public void A_recipient_is_queued_until_it_is_sent_the_request_and_gone_where_that_was_dropped()
    {
        var keeps = Subscribe("keeps", "service");
        var drops = Subscribe("drops", "service", QualityOfService.AtMostOnce);
        var logger = Subscribe("logger", "#");

        var exchange = Route().Exchange!;

        Assert.Equal(RecipientState.Queued, exchange.Find(keeps)!.State);
        Assert.Equal(RecipientState.Gone, exchange.Find(drops)!.State);
        Assert.True(exchange.Find(keeps)!.IsResponder);
        Assert.Equal((RecipientState.Queued, false), (exchange.Find(logger)!.State, exchange.Find(logger)!.IsResponder));
        Assert.False(exchange.TryAnswer(exchange.Find(drops)!));
        Assert.True(exchange.TryAnswer(exchange.Find(keeps)!));
        Assert.Equal(RecipientState.Answered, exchange.Find(keeps)!.State);
    }

    [Fact]
    public void A_request_that_nobody_keeps_has_no_exchange()
    {
        Subscribe("full", "service");
        Route(asRequest: false);
        Route(asRequest: false);

        Assert.Equal(new RoutingResult(ReasonCode.Success), Route());
    }

    [Fact]
    public void A_message_that_is_no_request_has_recipients_and_no_exchange()
    {
        Subscribe("first", "service");

        Assert.Equal(new RoutingResult(ReasonCode.Success, Recipients: 1), Route(asRequest: false));
    }

    private Session Subscribe(string clientId, string filter, QualityOfService qos = QualityOfService.AtLeastOnce)
    {
        var session = new Session(clientId);
        Assert.Equal(
            (ReasonCode)qos, _subscriptions.Subscribe(session, filter, TopicFilter.Parse(filter), new SubscriptionOptions(qos), []));
        return session;
    }

    private RoutingResult Route(bool asRequest = true)
    {
        var publish = new PublishView
        {
            Topic = "service"u8,
            QoS = QualityOfService.AtLeastOnce,
            ResponseTopic = asRequest ? _responseTopic : [],
        };
        return _router.Route(publish, _requester, _now);
    }
}
