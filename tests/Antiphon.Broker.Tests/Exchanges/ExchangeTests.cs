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
        var others = Enumerable.Range(0, responders).Select(i => broker.Subscriber($"responder{i}", "service", QualityOfService.AtMostOnce)).ToList();
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
        var request = new PublishPacket(Request(requester, 1) with { QoS = QualityOfService.ExactlyOnce, UserProperties = [new UserProperty("antiphon-replies", "2")] }) { PacketIdentifier = new(50) };
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
    public void One_client_cannot_take_the_room_that_others_need()
    {
        var broker = new HandTurnedBroker(new BrokerOptions { MaximumExchangeBytes = 40_000 });
        var hoarder = Requester(broker, "hoarder");
        var requester = Requester(broker);
        var responder = broker.Subscriber("responder", "service", QualityOfService.AtMostOnce);
        var number = 0;
        while (hoarder.PublishAcknowledged(Request(hoarder, number++) with { MessageExpiryInterval = uint.MaxValue }) == ReasonCode.Success)
        {
            responder.NextMessage("?");
            Assert.InRange(number, 0, 1000);
        }

        Assert.Equal(ReasonCode.Success, requester.PublishAcknowledged(Request(requester, 1)));
        Assert.Equal(ReasonCode.Success, responder.PublishAcknowledged(Answer(responder.NextMessage("?").Message)));
        requester.NextMessage("!");
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

    private static TestLink Requester(HandTurnedBroker broker, string clientId = "requester")
    {
        var client = broker.Connect(clientId, connect => connect with { RequestResponseInformation = true });
        client.Subscribe(client.ConnAck.ResponseInformation! + "/0", QualityOfService.AtMostOnce);
        return client;
    }

    private static ApplicationMessage Request(TestLink requester, int number) =>
        TestLink.Message("service", "?") with { ResponseTopic = requester.ConnAck.ResponseInformation + "/0", CorrelationData = BitConverter.GetBytes(number) };

    private static ApplicationMessage Answer(ApplicationMessage request) =>
        TestLink.Message(request.ResponseTopic!, "!") with { CorrelationData = request.CorrelationData };
}
