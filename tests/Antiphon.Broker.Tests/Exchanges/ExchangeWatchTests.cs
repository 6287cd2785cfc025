using System.Globalization;
using System.Text;
using Antiphon.Broker.Exchanges;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;
using Antiphon.Protocol.Properties;

namespace Antiphon.Broker.Tests.Exchanges;

public sealed class ExchangeWatchTests
{
    private readonly RecordingObserver _observer = new();
    private readonly HandTurnedBroker _broker;

    public ExchangeWatchTests() => _broker = new HandTurnedBroker(new BrokerOptions { ExchangeObserver = _observer });

    [Fact]
    public void An_answer_is_told_with_who_gave_it_its_status_and_how_long_it_took()
    {
        var requester = Requester();
        var responder = _broker.Subscriber("responder", "service");
        requester.PublishAcknowledged(Request(requester));
        _broker.TurnSeconds(1.5);
        responder.PublishAcknowledged(
            Answer(responder.NextMessage("?").Message) with { UserProperties = [new UserProperty("__stat", "404")] });

        Assert.Equal(["requester service «?» → Answered by responder 404 «!» queued 0 total 1.5"], _observer.Take());
    }

    [Fact]
    public void What_waited_for_a_client_that_was_away_tells_how_long()
    {
        var requester = Requester();
        _broker.Subscriber("responder", "service", with: connect => connect with { SessionExpiryInterval = 100 }).Lose();
        requester.PublishAcknowledged(Request(requester));
        _broker.TurnSeconds(3);
        var responder = _broker.Connect("responder", connect => connect with { SessionExpiryInterval = 100, CleanStart = false });
        _broker.TurnSeconds(1);
        responder.PublishAcknowledged(Answer(responder.NextMessage("?").Message));

        Assert.Equal(["requester service «?» → Answered by responder  «!» queued 3 total 4"], _observer.Take());
    }

    [Fact]
    public void Each_answer_and_each_responder_without_one_is_a_line()
    {
        var requester = Requester();
        var quick = _broker.Subscriber("quick", "service");
        _broker.Subscriber("slow", "service");
        _broker.Subscriber("logger", "#");
        requester.PublishAcknowledged(Request(requester) with { MessageExpiryInterval = 10 });
        quick.PublishAcknowledged(Answer(quick.NextMessage("?").Message));
        Assert.Equal(["requester service «?» → Answered by quick  «!» queued 0 total 0"], _observer.Take());

        _broker.TurnSeconds(10.1);

        Assert.Equal(["requester service «?» → Expired by slow queued 0 total 10.1"], _observer.Take());
    }

    [Fact]
    public void A_responder_that_leaves_and_a_requester_that_leaves_are_told()
    {
        var requester = Requester();
        var responder = _broker.Subscriber("responder", "service");
        requester.PublishAcknowledged(Request(requester));
        responder.Lose();
        Assert.Equal(["requester service «?» → Gone by responder queued 0 total 0"], _observer.Take());

        _broker.Subscriber("another", "service");
        requester.PublishAcknowledged(Request(requester));
        requester.Lose();
        Assert.Equal(["requester service «?» → RequesterGone by another queued 0 total 0"], _observer.Take());
    }

    [Fact]
    public void What_never_becomes_an_exchange_is_told_at_once()
    {
        var requester = Requester();
        requester.PublishAcknowledged(Request(requester));
        requester.PublishAcknowledged(Request(requester) with { CorrelationData = new byte[256] });
        _broker.Subscriber("responder", "service");
        requester.PublishAcknowledged(Request(requester) with { MessageExpiryInterval = 0 });
        requester.PublishAcknowledged(Request(requester) with { ResponseTopic = "somewhere/else" });
        requester.PublishAcknowledged("service", "no request");

        Assert.Equal(
            [
                "requester service «?» → NoResponders total 0",
                "requester service «?» → Refused QuotaExceeded total 0",
                "requester service «?» → Expired total 0",
                "requester service «?» → Untracked total 0",
            ],
            _observer.Take());
    }

    [Fact]
    public void A_request_that_was_dropped_for_all_who_would_get_it_is_gone()
    {
        var requester = Requester();
        _broker.Subscriber("away", "service", QualityOfService.AtMostOnce, connect => connect with { SessionExpiryInterval = 100 }).Lose();
        requester.PublishAcknowledged(Request(requester));

        Assert.Equal(["requester service «?» → Gone total 0"], _observer.Take());
    }

    [Fact]
    public void A_retry_is_no_request_of_its_own_and_one_more_under_the_same_key_is()
    {
        var requester = Requester();
        var responder = _broker.Subscriber("responder", "service");
        requester.PublishAcknowledged(Request(requester));
        var request = Request(requester) with { QoS = QualityOfService.AtLeastOnce };
        requester.Send(new PublishPacket(request) { PacketIdentifier = new(9), Dup = true });
        requester.ExpectAnswer(PacketType.PubAck, new(9));
        Assert.Empty(_observer.Take());
        requester.PublishAcknowledged(Request(requester));

        Assert.Equal(["requester service «?» → Joined total 0"], _observer.Take());
        responder.PublishAcknowledged(Answer(responder.NextMessage("?").Message));
        responder.PublishAcknowledged(Answer(responder.NextMessage("?").Message));
        Assert.Equal(2, _observer.Take().Length);
    }

    [Fact]
    public void What_an_observer_keeps_counts_in_the_bound_of_exchanges()
    {
        _observer.Size = 20_000;
        var broker = new HandTurnedBroker(new BrokerOptions { ExchangeObserver = _observer, MaximumExchangeBytes = 100_000 });
        var requester = Requester(broker);
        broker.Subscriber("responder", "service");
        for (var i = 0; i < 10; i++)
        {
            requester.PublishAcknowledged(Request(requester, i));
        }

        Assert.InRange(broker.Counters.OpenExchanges, 1, 5);
        Assert.Contains("requester service «?» → Evicted by responder queued 0 total 0", _observer.Take());
    }

    [Fact]
    public void Nothing_more_is_told_of_what_is_of_no_interest()
    {
        _observer.Wants = false;
        var requester = Requester();
        var responder = _broker.Subscriber("responder", "service");
        requester.PublishAcknowledged(Request(requester));
        responder.PublishAcknowledged(Answer(responder.NextMessage("?").Message));

        Assert.Empty(_observer.Take());
    }

    [Fact]
    public void An_observer_that_throws_is_counted_and_ends_nothing()
    {
        _observer.Throws = true;
        var requester = Requester();
        var responder = _broker.Subscriber("responder", "service");
        Assert.Equal(ReasonCode.Success, requester.PublishAcknowledged(Request(requester)));
        Assert.Equal(ReasonCode.Success, responder.PublishAcknowledged(Answer(responder.NextMessage("?").Message)));

        Assert.Equal(1, _broker.Counters.Defects);
        requester.NextMessage("!");
    }

    private TestLink Requester(HandTurnedBroker? broker = null)
    {
        var client = (broker ?? _broker).Connect("requester", connect => connect with { RequestResponseInformation = true });
        client.Subscribe(client.ConnAck.ResponseInformation! + "/0", QualityOfService.AtMostOnce);
        return client;
    }

    private static ApplicationMessage Request(TestLink requester, int number = 1) => TestLink.Message("service", "?") with
    {
        ResponseTopic = requester.ConnAck.ResponseInformation + "/0",
        CorrelationData = BitConverter.GetBytes(number),
    };

    private static ApplicationMessage Answer(ApplicationMessage request) =>
        TestLink.Message(request.ResponseTopic!, "!") with { CorrelationData = request.CorrelationData };

    private sealed class RecordingObserver : IExchangeObserver
    {
        private readonly List<string> _lines = [];

        public int Size { get; set; } = 100;

        public bool Wants { get; set; } = true;

        public bool Throws { get; set; }

        public string[] Take()
        {
            string[] lines = [.. _lines];
            _lines.Clear();
            return lines;
        }

        public IObservedRequest? Requested(in ObservedMessage request) => Throws ? throw new InvalidOperationException("No.")
            : Wants ? new Observed($"{request.ClientId} {Text(request.Topic)} «{Text(request.Payload)}»", Size)
            : null;

        public void Ended(IObservedRequest request, in ExchangeOutcome outcome)
        {
            var responder = outcome.ResponderClientId is { } id ? $" by {id}" : "";
            var answer = outcome.IsResponse ? $" {Text(outcome.Status)} «{Text(outcome.Payload)}»" : "";
            var code = outcome.ReasonCode == ReasonCode.Success ? "" : $" {outcome.ReasonCode}";
            var queued = outcome.Queued is { } wait ? $" queued {Number(wait)}" : "";
            _lines.Add($"{((Observed)request).Text} → {outcome.End}{responder}{answer}{code}{queued} total {Number(outcome.Total)}");
        }

        private static string Number(TimeSpan span) => span.TotalSeconds.ToString(CultureInfo.InvariantCulture);

        private static string Text(ReadOnlySpan<byte> utf8) => Encoding.UTF8.GetString(utf8);

        private sealed record Observed(string Text, int Size) : IObservedRequest;
    }
}
