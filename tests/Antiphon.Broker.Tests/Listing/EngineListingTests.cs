using Antiphon.Broker.Listing;
using Antiphon.Protocol;

namespace Antiphon.Broker.Tests.Listing;

public sealed class EngineListingTests
{
    private readonly HandTurnedBroker _broker = new();

    private EngineListing Listing => _broker.Engine.Listing;

    [Fact]
    public void A_listing_comes_in_slices_and_leaves_nobody_out_who_stays()
    {
        const int Clients = 3 * EngineListing.RowsPerTurn;
        var links = Enumerable.Range(0, Clients).Select(i => _broker.Connect($"client{i}")).ToArray();
        var listed = new List<string>();
        var slices = 0;
        int? from = null;
        do
        {
            var slice = Listing.Connections(from, _broker.Now);
            Assert.InRange(slice.Rows.Count, 1, EngineListing.RowsPerTurn);
            listed.AddRange(slice.Rows.Select(row => row.ClientId!));
            from = slice.Next;
            slices++;

            // Between two slices some leave that were listed, and some that were not.
            links[^slices].Lose();
            links[slices].Lose();
        }
        while (from is not null);

        var stayed = Enumerable.Range(0, Clients)
            .Where(i => i > slices || i == 0)
            .Where(i => i < Clients - slices)
            .Select(i => $"client{i}");
        Assert.Subset(listed.ToHashSet(), stayed.ToHashSet());
        Assert.InRange(slices, 3, 4);
    }

    [Fact]
    public void A_connection_tells_how_long_it_is_open_and_silent()
    {
        _broker.Connect("ann", connect => connect with { KeepAlive = 60 });
        _broker.TurnSeconds(5);

        var row = Assert.Single(Listing.Connections(null, _broker.Now).Rows);

        Assert.Equal(("ann", true), (row.ClientId, row.IsConnected));
        Assert.Equal((5, 5, 60), (row.OpenFor.TotalSeconds, row.SilentFor.TotalSeconds, row.KeepAlive.TotalSeconds));
    }

    [Fact]
    public void A_session_tells_what_waits_for_it_and_when_it_ends()
    {
        var away = _broker.Subscriber("away", "news/#", with: connect => connect with { SessionExpiryInterval = 100 });
        away.Lose();
        var publisher = _broker.Connect("publisher");
        publisher.PublishAcknowledged("news/1", "hello");
        publisher.PublishAcknowledged("news/2", "hello");
        _broker.TurnSeconds(40);

        var rows = Listing.Sessions(null, _broker.Now).Rows.ToDictionary(row => row.ClientId);

        var session = rows["away"];
        Assert.Equal((false, 1, 2, 22L), (session.IsConnected, session.Subscriptions, session.QueuedMessages, session.QueuedBytes));
        Assert.Equal((100, 60), (session.ExpiryInterval!.Value.TotalSeconds, session.ExpiresIn!.Value.TotalSeconds));
        Assert.Equal((true, null), (rows["publisher"].IsConnected, rows["publisher"].ExpiresIn));
    }

    [Fact]
    public void Subscriptions_are_listed_across_slices_each_once()
    {
        var many = _broker.Connect("many");
        for (var i = 0; i < EngineListing.RowsPerTurn + 10; i++)
        {
            many.Subscribe($"many/{i}");
        }

        _broker.Connect("none");
        _broker.Subscriber("other", "$share/group/jobs/+");
        var listed = new List<SubscriptionSnapshot>();
        SubscriptionPlace? from = null;
        do
        {
            var slice = Listing.Subscriptions(from);
            Assert.InRange(slice.Rows.Count, 0, EngineListing.RowsPerTurn);
            listed.AddRange(slice.Rows);
            from = slice.Next;
        }
        while (from is not null);

        Assert.Equal(EngineListing.RowsPerTurn + 11, listed.Count);
        Assert.Equal(listed.Count, listed.DistinctBy(row => (row.ClientId, row.TopicFilter)).Count());
        var shared = Assert.Single(listed, row => row.ClientId == "other");
        Assert.Equal(("$share/group/jobs/+", QualityOfService.AtLeastOnce, true), (shared.TopicFilter, shared.QoS, shared.IsResponder));
    }

    [Fact]
    public void Retained_messages_are_listed_while_the_tree_changes()
    {
        var publisher = _broker.Connect("publisher");
        for (var i = 0; i < 2 * EngineListing.RowsPerTurn; i++)
        {
            Retain($"a/{i}/b", "value");
        }

        var listing = Listing.Retained();
        var first = listing.Next(_broker.Now);
        Assert.Equal(EngineListing.RowsPerTurn, first.Rows.Count);

        // The level where it stands goes, and one that it has not reached.
        var left = Enumerable.Range(0, 2 * EngineListing.RowsPerTurn).Select(i => $"a/{i}/b")
            .Except(first.Rows.Select(row => row.Topic)).ToList();
        Retain(first.Rows[^1].Topic, "");
        Retain(left[0], "");
        var listed = new List<string>();
        for (var slice = listing.Next(_broker.Now); ; slice = listing.Next(_broker.Now))
        {
            listed.AddRange(slice.Rows.Select(row => row.Topic));
            if (slice.Next is null)
            {
                break;
            }
        }

        listing.End();
        Assert.Equal(left.Skip(1).Order(), listed.Order());
        Assert.Equal(("publisher", 5), (first.Rows[0].ClientId, first.Rows[0].PayloadBytes));

        // Nothing is kept for the listing any more: without messages no level is left.
        foreach (var topic in listed.Concat(first.Rows.Select(row => row.Topic)))
        {
            Retain(topic, "");
        }

        Assert.Equal((0, 0), (_broker.Counters.RetainedMessages, _broker.Counters.RetainedBytes));

        void Retain(string topic, string payload) => publisher.Publish(TestLink.Message(topic, payload) with { Retain = true });
    }

    [Fact]
    public void A_client_is_shown_whole_and_one_that_is_not_there_is_not()
    {
        _broker.Subscriber("ann", "a/+");

        var shown = Listing.Find("ann", _broker.Now)!;

        Assert.Equal(
            ("ann", "ann", "a/+"),
            (shown.Session.ClientId, shown.Connection!.ClientId, Assert.Single(shown.Subscriptions).TopicFilter));
        Assert.Null(Listing.Find("bob", _broker.Now));
    }
}
