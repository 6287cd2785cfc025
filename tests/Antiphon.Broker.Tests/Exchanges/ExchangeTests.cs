using Antiphon.Broker.Exchanges;
using Antiphon.Broker.Sessions;
using Antiphon.Broker.Subscriptions;
using Antiphon.Broker.Timing;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;
using Antiphon.Protocol.Properties;

namespace Antiphon.Broker.Tests.Exchanges;

public sealed class ExchangeTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(100)]
    public void Every_responder_may_answer_once(int responders)
    {
        var broker = new HandTurnedBroker();
        var requester = Requester(broker);
        var others = Enumerable.Range(0, responders).Select(
            i => broker.Subscriber($"responder{i}", "service", QualityOfService.AtMostOnce)).ToList();
        for (var round = 0; round < 3; round++)
        {
            requester.PublishAcknowledged(Request(requester, round));
            Assert.Equal(1, broker.Counters.OpenExchanges);

            foreach (var responder in others)
            {
                var answer = Answer(responder.NextMessage("?").Message);
                Assert.Equal(ReasonCode.Success, responder.PublishAcknowledged(answer));
                Assert.Equal(ReasonCode.NotAuthorized, responder.PublishAcknowledged(answer));
            }

            Assert.Equal(responders, requester.All().Count);
            Assert.Equal(0, broker.Counters.OpenExchanges);
        }
    }

    [Theory]
    [InlineData("3", 3)]
    [InlineData("0", 1)]
    [InlineData("-1", 1)]
    [InlineData("3x", 1)]
    [InlineData("99999999999999999999", 1)]
    [InlineData("1000000", 5)]
    public void A_request_may_ask_for_more_answers_up_to_the_bound(string asked, int granted)
    {
        var broker = new HandTurnedBroker(new BrokerOptions { MaximumReplies = 5 });
        var requester = Requester(broker);
        var responder = broker.Subscriber("responder", "service");
        requester.PublishAcknowledged(Request(requester, 1) with { UserProperties = [new UserProperty("antiphon-replies", asked)] });
        var answer = Answer(responder.NextMessage("?").Message);

        var codes = Enumerable.Range(0, 7).Select(_ => responder.PublishAcknowledged(answer)).ToList();

        Assert.Equal(granted, codes.TakeWhile(code => code == ReasonCode.Success).Count());
        Assert.Equal(granted, codes.Count(code => code == ReasonCode.Success));
    }

    [Fact]
    [Trait("Label", "MQTT-4.3.3-10")]
    public void A_QoS_2_request_or_answer_that_is_repeated_is_the_same_one_and_uses_no_second_permission()
    {
        var broker = new HandTurnedBroker();
        var requester = Requester(broker);
        var responder = Connect();
        responder.Subscribe("service", QualityOfService.ExactlyOnce);
        var request = new PublishPacket(
            Request(requester, 1) with
            {
                QoS = QualityOfService.ExactlyOnce,
                UserProperties = [new UserProperty("antiphon-replies", "2")],
            })
        { PacketIdentifier = new(50) };
        for (var i = 0; i < 2; i++)
        {
            requester.Send(request with { Dup = i > 0 });
            Assert.Equal(ReasonCode.Success, requester.ExpectAnswer(PacketType.PubRec, request.PacketIdentifier));
        }

        var received = responder.NextMessage("?");
        responder.ExpectNothing();
        responder.Complete(received);
        var answer = new PublishPacket(Answer(received.Message) with { QoS = QualityOfService.ExactlyOnce }) { PacketIdentifier = new(60) };
        Repeat(dup: false);
        Repeat(dup: true);
        responder.Lose();
        responder = Connect();
        Repeat(dup: true);
        Assert.Single(requester.All());

        Assert.Equal(ReasonCode.Success, responder.PublishAcknowledged(answer.Message));
        Assert.Equal(ReasonCode.NotAuthorized, responder.PublishAcknowledged(answer.Message));

        TestLink Connect() => broker.Connect("responder", connect => connect with { SessionExpiryInterval = 100 });

        void Repeat(bool dup)
        {
            responder.Send(answer with { Dup = dup });
            Assert.Equal(ReasonCode.Success, responder.ExpectAnswer(PacketType.PubRec, answer.PacketIdentifier));
        }
    }

    [Fact]
    public void The_permission_ends_at_the_deadline()
    {
        var broker = new HandTurnedBroker(new BrokerOptions { ExchangeTimeout = TimeSpan.FromSeconds(10) });
        var requester = Requester(broker);
        var responder = broker.Subscriber("responder", "service");
        requester.PublishAcknowledged(Request(requester, 1) with { MessageExpiryInterval = 5 });
        requester.PublishAcknowledged(Request(requester, 2));
        var first = Answer(responder.NextMessage("?").Message);
        var second = Answer(responder.NextMessage("?").Message);

        broker.TurnSeconds(5.1);
        Assert.Equal(ReasonCode.NotAuthorized, responder.PublishAcknowledged(first));
        Assert.Equal(1, broker.Counters.OpenExchanges);
        broker.TurnSeconds(5);

        Assert.Equal(ReasonCode.NotAuthorized, responder.PublishAcknowledged(second));
        Assert.Equal(0, broker.Counters.OpenExchanges);
    }

    [Fact]
    public void Exchanges_end_with_the_Session_of_their_requester()
    {
        var broker = new HandTurnedBroker();
        var requester = Requester(broker);
        var other = Requester(broker, "other");
        var responder = broker.Subscriber("responder", "service");
        for (var i = 0; i < 10; i++)
        {
            requester.PublishAcknowledged(Request(requester, i) with { MessageExpiryInterval = uint.MaxValue });
            other.PublishAcknowledged(Request(other, i) with { MessageExpiryInterval = uint.MaxValue });
        }

        Assert.Equal(ReasonCode.Success, responder.PublishAcknowledged(Answer(responder.NextMessage("?").Message)));
        requester.Lose();

        Assert.Equal(10, broker.Counters.OpenExchanges);
        other.Lose();
        Assert.Equal(0, broker.Counters.OpenExchanges);
    }

    [Fact]
    public void A_few_requesters_that_nobody_answers_do_not_keep_the_others_out()
    {
        var broker = new HandTurnedBroker(new BrokerOptions { MaximumExchangeBytes = 40_000 });
        var hoarders = Enumerable.Range(0, 4).Select(i => Requester(broker, $"hoarder{i}")).ToList();
        var requester = Requester(broker);
        var responder = broker.Subscriber("responder", "service", QualityOfService.AtMostOnce);
        for (var i = 0; i < 400; i++)
        {
            var forEver = Request(hoarders[i % 4], i) with { MessageExpiryInterval = uint.MaxValue };
            Assert.Equal(ReasonCode.Success, hoarders[i % 4].PublishAcknowledged(forEver));
            responder.NextMessage("?");
        }

        Assert.InRange(broker.Counters.OpenExchanges, 50, 150);
        Assert.Equal(400, broker.Counters.EvictedExchanges + broker.Counters.OpenExchanges);
        for (var i = 0; i < 100; i++)
        {
            Assert.Equal(ReasonCode.Success, requester.PublishAcknowledged(Request(requester, i)));
            var request = responder.NextMessage("?").Message;
            Assert.Equal(
                ReasonCode.Success,
                hoarders[i % 4].PublishAcknowledged(Request(hoarders[i % 4], 1000 + i) with { MessageExpiryInterval = uint.MaxValue }));
            responder.NextMessage("?");
            Assert.Equal(ReasonCode.Success, responder.PublishAcknowledged(Answer(request)));
            requester.NextMessage("!");
        }

        Assert.Equal(0, broker.Counters.UntrackedRequests);
    }

    [Fact]
    public void An_exchange_that_is_answered_is_not_kept_for_who_only_listens()
    {
        var broker = new HandTurnedBroker(new BrokerOptions { MaximumExchangeBytes = 40_000 });
        var requester = Requester(broker);
        var responder = broker.Subscriber("responder", "service", QualityOfService.AtMostOnce);
        broker.Subscriber("logger", "#", QualityOfService.AtMostOnce);
        Ask(1);
        Assert.Equal(0, broker.Counters.OpenExchanges);

        // With an exact filter it counts as a responder: the exchange is open for it, until the room is needed.
        broker.Subscriber("listener", "service", QualityOfService.AtMostOnce);
        var waiting = Requester(broker, "waiting");
        waiting.PublishAcknowledged(Request(waiting, 1));
        responder.NextMessage("?");
        for (var i = 0; i < 1000; i++)
        {
            Ask(i);
        }

        Assert.InRange(broker.Counters.OpenExchanges, 50, 150);
        Assert.Equal((0, 0), (broker.Counters.EvictedExchanges, broker.Counters.UntrackedRequests));
        Assert.Equal(ReasonCode.Success, responder.PublishAcknowledged(Answer(Request(waiting, 1))));

        void Ask(int number)
        {
            Assert.Equal(ReasonCode.Success, requester.PublishAcknowledged(Request(requester, number)));
            Assert.Equal(ReasonCode.Success, responder.PublishAcknowledged(Answer(responder.NextMessage("?").Message)));
            requester.NextMessage("!");
        }
    }

    [Fact]
    public void Who_has_answers_to_come_from_several_is_not_kept_from_them_by_a_flood_of_others()
    {
        var broker = new HandTurnedBroker(new BrokerOptions { MaximumExchangeBytes = 40_000 });
        var gatherer = Requester(broker);
        var first = broker.Subscriber("first", "service", QualityOfService.AtMostOnce);
        var second = broker.Subscriber("second", "service", QualityOfService.AtMostOnce);
        gatherer.PublishAcknowledged(Request(gatherer, 1));
        Assert.Equal(ReasonCode.Success, first.PublishAcknowledged(Answer(Request(gatherer, 1))));
        var hoarder = Requester(broker, "hoarder");
        for (var i = 0; i < 1000; i++)
        {
            hoarder.Publish(Request(hoarder, i));
        }

        Assert.Equal(ReasonCode.Success, second.PublishAcknowledged(Answer(Request(gatherer, 1))));

        // Nor by a flood of what somebody has answered.
        gatherer.PublishAcknowledged(Request(gatherer, 2));
        Assert.Equal(ReasonCode.Success, first.PublishAcknowledged(Answer(Request(gatherer, 2))));
        for (var i = 1000; i < 2000; i++)
        {
            hoarder.Publish(Request(hoarder, i));
            first.Publish(Answer(Request(hoarder, i)));
        }

        Assert.Equal(ReasonCode.Success, second.PublishAcknowledged(Answer(Request(gatherer, 2))));
    }

    [Fact]
    public void An_answer_counts_also_of_one_that_does_not_count_as_a_responder()
    {
        var broker = new HandTurnedBroker(new BrokerOptions { MaximumExchangeBytes = 40_000 });
        var requester = Requester(broker);
        var device = broker.Subscriber("device", "+", QualityOfService.AtMostOnce);
        broker.Subscriber("logger", "#", QualityOfService.AtMostOnce);
        requester.PublishAcknowledged(Request(requester, 0));
        for (var i = 1; i < 1000; i++)
        {
            requester.PublishAcknowledged(Request(requester, i));
            Assert.Equal(ReasonCode.Success, device.PublishAcknowledged(Answer(Request(requester, i))));
        }

        Assert.Equal(0, broker.Counters.EvictedExchanges);
        Assert.Equal(ReasonCode.Success, device.PublishAcknowledged(Answer(Request(requester, 0))));
    }

    [Fact]
    public void What_was_asked_again_after_an_answer_is_unanswered_and_goes_last()
    {
        var broker = new HandTurnedBroker(new BrokerOptions { MaximumExchangeBytes = 40_000 });
        var requester = Requester(broker);
        var responder = broker.Subscriber("responder", "service", QualityOfService.AtMostOnce);
        broker.Subscriber("listener", "service", QualityOfService.AtMostOnce);
        requester.PublishAcknowledged(Request(requester, 0));
        Assert.Equal(ReasonCode.Success, responder.PublishAcknowledged(Answer(Request(requester, 0))));
        requester.PublishAcknowledged(Request(requester, 0));
        for (var i = 1; i < 1000; i++)
        {
            requester.PublishAcknowledged(Request(requester, i));
            Assert.Equal(ReasonCode.Success, responder.PublishAcknowledged(Answer(Request(requester, i))));
        }

        Assert.Equal(0, broker.Counters.EvictedExchanges);
        Assert.Equal(ReasonCode.Success, responder.PublishAcknowledged(Answer(Request(requester, 0))));
    }

    [Fact]
    public void An_exchange_that_its_requester_answers_itself_does_not_stay_open()
    {
        var broker = new HandTurnedBroker();
        var both = Requester(broker);
        both.Subscribe("service", QualityOfService.AtMostOnce);
        both.PublishAcknowledged(Request(both, 1));
        Assert.Equal(1, broker.Counters.OpenExchanges);

        Assert.Equal(ReasonCode.Success, both.PublishAcknowledged(Answer(Request(both, 1))));
        Assert.Equal(0, broker.Counters.OpenExchanges);

        // It may always publish there.
        Assert.Equal(ReasonCode.Success, both.PublishAcknowledged(Answer(Request(both, 1))));
        Assert.Equal(0, broker.Counters.UninvitedResponses);
    }

    [Theory]
    [InlineData(QueueOverflow.DiscardNewest)]
    [InlineData(QueueOverflow.DiscardOldest)]
    public void A_retry_that_is_dropped_takes_no_permission_away(QueueOverflow overflow)
    {
        var broker = new HandTurnedBroker(new BrokerOptions { MaximumQueuedMessages = 1, QueueOverflow = overflow });
        var requester = Requester(broker);
        var responder = broker.Subscriber("responder", "service", with: connect => connect with { ReceiveMaximum = 1 });
        requester.PublishAcknowledged(Request(requester, 1));
        responder.NextMessage("?");

        // Of two retries and another request one finds room in the queue.
        for (ushort i = 0; i < 2; i++)
        {
            var retry = new PublishPacket(Request(requester, 1) with { QoS = QualityOfService.AtLeastOnce })
            {
                PacketIdentifier = new((ushort)(900 + i)),
                Dup = true,
            };
            requester.Send(retry);
            Assert.Equal(ReasonCode.Success, requester.ExpectAnswer(PacketType.PubAck, retry.PacketIdentifier));
        }

        requester.PublishAcknowledged(Request(requester, 2));
        Assert.Equal(2, broker.Counters.DroppedQueueFull);
        Assert.Equal(overflow == QueueOverflow.DiscardOldest ? 2 : 1, broker.Counters.OpenExchanges);

        Assert.Equal(ReasonCode.Success, responder.PublishAcknowledged(Answer(Request(requester, 1))));
        Assert.Equal(ReasonCode.NotAuthorized, responder.PublishAcknowledged(Answer(Request(requester, 1))));
    }

    [Fact]
    public void What_a_recipient_was_sent_stays_sent_and_a_retry_lets_it_begin_anew()
    {
        var exchange = new Exchange();
        var responder = new Session("responder");
        exchange.Open("$reply/x"u8, [], 0, new Session("requester"));
        exchange.Begin(replies: 3, isRetry: false);
        var recipient = exchange.Admit(responder, isResponder: true);
        exchange.Delivered(recipient, RecipientState.Sent, default);
        Assert.True(exchange.TryAnswer(recipient));

        exchange.Begin(replies: 3, isRetry: true);
        exchange.Delivered(exchange.Admit(responder, isResponder: true), RecipientState.Queued, default);

        Assert.Equal((RecipientState.Sent, 3), (recipient.State, recipient.Remaining));
        exchange.LoseOne(recipient);
        Assert.Equal((RecipientState.Sent, 3), (recipient.State, recipient.Remaining));
        exchange.LoseOne(recipient);
        Assert.Equal((RecipientState.Gone, 0), (recipient.State, recipient.Remaining));
    }

    [Fact]
    public void A_request_that_comes_again_and_again_does_not_wrap_the_number_of_answers()
    {
        var exchange = new Exchange();
        exchange.Open("$reply/x"u8, [], 0, new Session("requester"));
        exchange.Begin(replies: int.MaxValue - 1, isRetry: false);
        var responder = new Session("responder");

        exchange.Admit(responder, isResponder: true);
        Assert.Equal(int.MaxValue, exchange.Admit(responder, isResponder: true).Remaining);
    }

    [Fact]
    public void What_an_exchange_takes_is_counted_in_full()
    {
        const int Count = 20_000;
        var broker = new HandTurnedBroker();
        var wheel = new TimingWheel();
        var table = new ExchangeTable(new OptionsInForce(broker.Options), new Utf8Comparer(1), wheel, watch: null, broker.Engine.Counters);
        var (requester, responder) = (new Session("requester"), new Session("responder"));
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < Count; i++)
        {
            var request = new PublishView
            {
                Topic = "service"u8,
                ResponseTopic = "$reply/0123456789012345678901/0"u8,
                CorrelationData = BitConverter.GetBytes(i),
            };
            var exchange = table.Open(request, requester, broker.Now);
            exchange.Delivered(exchange.Admit(responder, isResponder: true), RecipientState.Sent, default);
            Assert.True(table.Settle(exchange, default));
        }

        // Four bytes of each are Correlation Data made here; the buckets of the index have grown by doubling.
        var allocated = (GC.GetAllocatedBytesForCurrentThread() - before) / Count - 32;
        Assert.InRange(allocated, table.OpenBytes / Count / 2, table.OpenBytes / Count);
    }

    [Theory]
    [InlineData("+/w", false)]
    [InlineData("+/w", true)]
    [InlineData("$share/g/+/w", false)]
    [InlineData("#", false)]
    public void Who_received_a_request_may_answer_it_whatever_the_filter(string filter, bool saysItResponds)
    {
        var broker = new HandTurnedBroker();
        var requester = Requester(broker);
        var responder = broker.Connect("responder");
        responder.Send(new SubscribePacket
        {
            PacketIdentifier = new(1),
            Subscriptions = [new RequestedSubscription(filter, new SubscriptionOptions(QualityOfService.AtLeastOnce))],
            UserProperties = saysItResponds ? [new UserProperty("antiphon-respond", "1")] : [],
        });
        responder.Next<SubAckPacket>();

        requester.PublishAcknowledged(Request(requester, 1) with { Topic = "device/w" });

        Assert.Equal(ReasonCode.Success, responder.PublishAcknowledged(Answer(responder.NextMessage("?").Message)));
        requester.NextMessage("!");
        Assert.Equal(0, broker.Counters.OpenExchanges);
    }

    [Theory]
    [InlineData(false, 0)]
    [InlineData(true, 1)]
    public void Whether_it_counts_as_a_responder_SUBSCRIBE_says(bool saysItResponds, int stillOpen)
    {
        var broker = new HandTurnedBroker();
        var requester = Requester(broker);
        var exact = broker.Subscriber("exact", "service");
        var wild = broker.Connect("wild");
        wild.Send(new SubscribePacket
        {
            PacketIdentifier = new(1),
            Subscriptions = [new RequestedSubscription("+", new SubscriptionOptions(QualityOfService.AtLeastOnce))],
            UserProperties = saysItResponds ? [new UserProperty("antiphon-respond", "1")] : [],
        });
        requester.PublishAcknowledged(Request(requester, 1));

        Assert.Equal(ReasonCode.Success, exact.PublishAcknowledged(Answer(Request(requester, 1))));

        Assert.Equal(stillOpen, broker.Counters.OpenExchanges);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Requests_with_the_same_Correlation_Data_or_none_are_answered_each(bool withCorrelation)
    {
        var broker = new HandTurnedBroker();
        var requester = Requester(broker);
        var responder = broker.Subscriber("responder", "service");
        var request = Request(requester, 1);
        request = withCorrelation ? request : request with { CorrelationData = null };
        requester.PublishAcknowledged(request);
        requester.PublishAcknowledged(request);

        // A retry is no request more.
        requester.Send(new PublishPacket(request with { QoS = QualityOfService.AtLeastOnce }) { PacketIdentifier = new(900), Dup = true });
        requester.ExpectAnswer(PacketType.PubAck, new(900));
        for (var i = 0; i < 3; i++)
        {
            responder.NextMessage("?");
        }

        Assert.Equal(ReasonCode.Success, responder.PublishAcknowledged(Answer(request)));
        Assert.Equal(ReasonCode.Success, responder.PublishAcknowledged(Answer(request)));
        Assert.Equal(ReasonCode.NotAuthorized, responder.PublishAcknowledged(Answer(request)));
        Assert.Equal(2, requester.All().Count);
        Assert.Equal(0, broker.Counters.OpenExchanges);
    }

    [Fact]
    public void A_deadline_has_a_bound()
    {
        var broker = new HandTurnedBroker(new BrokerOptions { LongestExchange = TimeSpan.FromSeconds(30) });
        var requester = Requester(broker);
        var responder = broker.Subscriber("responder", "service");
        requester.PublishAcknowledged(Request(requester, 1) with { MessageExpiryInterval = uint.MaxValue });
        var answer = Answer(responder.NextMessage("?").Message);

        broker.TurnSeconds(31);

        Assert.Equal(ReasonCode.NotAuthorized, responder.PublishAcknowledged(answer));
    }

    [Fact]
    public void What_a_Session_leaves_behind_is_closed_in_slices()
    {
        const int Count = 3 * ExchangeTable.StepsPerTurn;
        var broker = new HandTurnedBroker();
        var requester = Requester(broker);
        var responder = broker.Subscriber("responder", "service", QualityOfService.AtMostOnce);
        for (var i = 0; i < Count; i++)
        {
            requester.Publish(Request(requester, i));
        }

        broker.Engine.Ended(responder.Connection, broker.Now);
        broker.Engine.Advance(broker.Now);

        Assert.Equal(Count - ExchangeTable.StepsPerTurn, broker.Counters.OpenExchanges);
        Assert.True(broker.Engine.HasWork);
        broker.Settle();
        Assert.Equal(0, broker.Counters.OpenExchanges);
    }

    [Fact]
    public void An_exchange_with_very_many_recipients_ends_at_once_and_forgets_them_in_slices()
    {
        const int Count = 2 * ExchangeTable.StepsPerTurn;
        var broker = new HandTurnedBroker();
        var requester = Requester(broker);
        var responders = Enumerable.Range(0, Count)
            .Select(i => broker.Subscriber(
                $"responder{i}", "service", QualityOfService.AtLeastOnce, connect => connect with { SessionExpiryInterval = 3600 }))
            .ToList();
        responders[0].Lose();
        requester.Publish(Request(requester, 1));
        var answer = Answer(responders[1].NextMessage("?").Message);
        broker.Advance(broker.Options.ExchangeTimeout + TimeSpan.FromSeconds(1));

        broker.Engine.Advance(broker.Now);
        Assert.Equal(0, broker.Counters.OpenExchanges);
        Assert.True(broker.Engine.HasWork);

        // What waits for one that has not been forgotten yet may be dropped, and one may go.
        broker.Engine.Dismiss("responder0", withSession: true, broker.Now);
        broker.Engine.Dismiss("responder2", withSession: true, broker.Now);
        broker.Engine.Advance(broker.Now);
        Assert.True(broker.Engine.HasWork);
        broker.Settle();
        Assert.Equal(ReasonCode.NotAuthorized, responders[1].PublishAcknowledged(answer));

        requester.Publish(Request(requester, 1));
        Assert.Equal(1, broker.Counters.OpenExchanges);
        Assert.Equal(ReasonCode.Success, responders[1].PublishAcknowledged(answer));
    }

    [Fact]
    public void Fifty_thousand_responders_may_answer_one_request()
    {
        const int Count = 50_000;
        var broker = new HandTurnedBroker();
        var requester = Requester(broker);
        var responders = Enumerable.Range(0, Count)
            .Select(i => broker.Subscriber($"responder{i}", "service", QualityOfService.AtMostOnce)).ToList();
        requester.PublishAcknowledged(Request(requester, 1));
        var answer = Answer(Request(requester, 1));
        foreach (var responder in responders)
        {
            responder.Publish(answer);
        }

        Assert.Equal(Count, requester.All().Count);
        Assert.Equal((0, 0), (broker.Counters.OpenExchanges, broker.Counters.UninvitedResponses));
    }

    [Fact]
    public void Finding_one_of_three_hundred_thousand_responders_takes_no_look_at_the_others()
    {
        const int Count = 300_000;
        var sessions = Enumerable.Range(0, Count).Select(_ => new Session("responder")).ToArray();
        var exchange = new Exchange();
        exchange.Open("$reply/x"u8, [], 0, new Session("requester"));
        exchange.Begin(replies: 1, isRetry: false);
        var start = TimeProvider.System.GetTimestamp();
        foreach (var session in sessions)
        {
            exchange.Admit(session, isResponder: true);
        }

        foreach (var session in sessions)
        {
            Assert.True(exchange.TryAnswer(exchange.Find(session)!));
        }

        Assert.True(exchange.IsSettled);
        exchange.Close();

        // A tenth of a second. 9e10 comparisons, each with all, would take minutes.
        Assert.InRange(TimeProvider.System.GetElapsedTime(start), TimeSpan.Zero, TimeSpan.FromSeconds(20));
    }

    [Fact]
    public void A_request_that_cannot_be_tracked_is_refused_and_reaches_nobody()
    {
        var broker = new HandTurnedBroker(new BrokerOptions { MaximumExchangeBytes = 0 });
        var requester = Requester(broker);
        var responder = broker.Subscriber("responder", "service");
        var wide = new HandTurnedBroker();
        var lengthy = Requester(wide);
        wide.Subscriber("responder", "service");

        Assert.Equal(ReasonCode.QuotaExceeded, requester.PublishAcknowledged(Request(requester, 1)));
        responder.ExpectNothing();
        Assert.Equal(ReasonCode.QuotaExceeded, lengthy.PublishAcknowledged(Request(lengthy, 1) with { CorrelationData = new byte[250] }));
        Assert.Equal(1, broker.Counters.UntrackedRequests);
    }

    [Fact]
    public void An_exchange_ends_when_everybody_who_might_answer_it_has_gone()
    {
        var broker = new HandTurnedBroker();
        var requester = Requester(broker);
        var first = broker.Subscriber("first", "service", QualityOfService.AtMostOnce);
        var second = broker.Subscriber("second", "service", with: connect => connect with { SessionExpiryInterval = 100 });
        requester.PublishAcknowledged(Request(requester, 1));
        var request = second.NextMessage("?");

        first.Lose();
        second.Lose();
        Assert.Equal(1, broker.Counters.OpenExchanges);
        second = broker.Connect("second", connect => connect with { SessionExpiryInterval = 100 });
        Assert.Equal(ReasonCode.Success, second.PublishAcknowledged(Answer(request.Message)));
        Assert.Equal(0, broker.Counters.OpenExchanges);

        requester.PublishAcknowledged(Request(requester, 2));
        second.Lose();
        broker.TurnSeconds(101);
        Assert.Equal(0, broker.Counters.OpenExchanges);
        Assert.Single(requester.All());
    }

    [Fact]
    public void Who_never_got_the_request_may_not_answer_it()
    {
        var broker = new HandTurnedBroker();
        var requester = Requester(broker);
        var away = broker.Subscriber(
            "away", "service", QualityOfService.AtMostOnce, connect => connect with { SessionExpiryInterval = 100 });
        away.Lose();

        Assert.Equal(ReasonCode.Success, requester.PublishAcknowledged(Request(requester, 1)));

        Assert.Equal(0, broker.Counters.OpenExchanges);
        away = broker.Connect("away", connect => connect with { SessionExpiryInterval = 100 });
        Assert.Equal(ReasonCode.NotAuthorized, away.PublishAcknowledged(Answer(Request(requester, 1))));
    }

    [Fact]
    public void A_request_that_displaces_its_own_older_copy_in_a_full_queue_may_be_answered()
    {
        var broker = new HandTurnedBroker(new BrokerOptions { MaximumQueuedMessages = 1, QueueOverflow = QueueOverflow.DiscardOldest });
        var requester = Requester(broker);
        var responder = broker.Subscriber("responder", "service", with: connect => connect with { SessionExpiryInterval = 100 });
        responder.Lose();
        requester.PublishAcknowledged(Request(requester, 1));
        requester.PublishAcknowledged(Request(requester, 1));
        Assert.Equal((1, 1), (broker.Counters.OpenExchanges, broker.Counters.DroppedQueueFull));

        requester.PublishAcknowledged(Request(requester, 2));
        requester.PublishAcknowledged(Request(requester, 1));
        Assert.Equal((1, 3), (broker.Counters.OpenExchanges, broker.Counters.DroppedQueueFull));

        responder = broker.Connect("responder", connect => connect with { SessionExpiryInterval = 100 });
        Assert.Equal(ReasonCode.Success, responder.PublishAcknowledged(Answer(responder.NextMessage("?").Message)));
        Assert.Equal(0, broker.Counters.OpenExchanges);
    }

    [Fact]
    public void A_thousand_exchanges_are_found_by_their_keys_whatever_the_order_in_which_they_end()
    {
        var broker = new HandTurnedBroker();
        var requester = Requester(broker);
        var responder = broker.Subscriber("responder", "service", QualityOfService.AtMostOnce);
        var random = new Random(14);
        for (var i = 0; i < 1000; i++)
        {
            requester.PublishAcknowledged(Request(requester, i));
        }

        foreach (var publish in responder.All().Cast<PublishPacket>().OrderBy(_ => random.Next()).ToList())
        {
            Assert.Equal(ReasonCode.Success, responder.PublishAcknowledged(Answer(publish.Message)));
            Assert.Equal(ReasonCode.NotAuthorized, responder.PublishAcknowledged(Answer(publish.Message)));
        }

        Assert.Equal(0, broker.Counters.OpenExchanges);
        Assert.Equal(1000, requester.All().Count);
    }

    private static TestLink Requester(HandTurnedBroker broker, string clientId = "requester")
    {
        var client = broker.Connect(clientId, connect => connect with { RequestResponseInformation = true });
        client.Subscribe(client.ConnAck.ResponseInformation! + "/0", QualityOfService.AtMostOnce);
        return client;
    }

    private static ApplicationMessage Request(TestLink requester, int number) =>
        TestLink.Message("service", "?") with
        {
            ResponseTopic = requester.ConnAck.ResponseInformation + "/0",
            CorrelationData = BitConverter.GetBytes(number),
        };

    private static ApplicationMessage Answer(ApplicationMessage request) =>
        TestLink.Message(request.ResponseTopic!, "!") with { CorrelationData = request.CorrelationData };
}
