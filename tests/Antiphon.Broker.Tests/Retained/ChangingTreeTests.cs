using Antiphon.Protocol.Packets;
using Antiphon.Protocol.Topics;
using FsCheck;
using FsCheck.Fluent;
using static Antiphon.Broker.Tests.Retained.RetainedMessageTests;

namespace Antiphon.Broker.Tests.Retained;

/// <summary>Walks message by message through a tree that changes under them, against a list of all messages.</summary>
public sealed class ChangingTreeTests
{
    private static readonly string[] Words = ["a", "b", "c", "", "$x"];

    private static readonly Gen<string> Topics =
        Gen.Elements(Words).NonEmptyListOf().Select(levels => string.Join('/', levels.Take(4))).Where(topic => topic.Length > 0);

    private static readonly Gen<string> Filters =
        from levels in Gen.Elements([.. Words, "+", "+"]).ListOf()
        from multi in Gen.Elements(false, true)
        let pattern = string.Join('/', multi ? levels.Take(3).Append("#") : levels.Take(4))
        where pattern.Length > 0
        select pattern;

    /// <summary>A topic: null: the reader acknowledges; with a payload or empty: it is retained or removed.</summary>
    private static readonly Gen<(string? Topic, bool Removes)> Steps = Gen.Frequency(
        (2, Gen.Constant(((string?)null, false))),
        (1, from topic in Topics from removes in Gen.Elements(false, true) select ((string?)topic, removes)));

    [Fact]
    [Trait("Label", "MQTT-3.3.1-9")]
    [Trait("Label", "MQTT-4.7.2-1")]
    public void A_walk_finds_all_that_was_there_and_still_is_each_once_and_nothing_else() =>
        Check.One(
            Config.QuickThrowOnFailure.WithMaxTest(1000).WithEndSize(80),
            Prop.ForAll(
                Topics.ListOf().ToArbitrary(),
                Filters.NonEmptyListOf().ToArbitrary(),
                Steps.ListOf().ToArbitrary(),
                (topics, filters, steps) => Holds([.. topics.Distinct()], filters.Distinct().Take(3).ToList(), steps)));

    private static void Holds(string[] topics, List<string> filters, IEnumerable<(string? Topic, bool Removes)> steps)
    {
        var broker = new HandTurnedBroker();
        var publisher = broker.Connect("publisher");
        foreach (var topic in topics)
        {
            publisher.PublishAcknowledged(ToRetain(topic, "old"));
        }

        var readers = filters.Select((filter, i) =>
        {
            var link = broker.Subscriber($"reader{i}", filter, with: connect => connect with { ReceiveMaximum = 1 });
            return (Filter: filter, Link: link, Got: new List<string>());
        }).ToList();
        var untouched = topics.ToHashSet();
        var there = topics.ToHashSet();
        foreach (var (topic, removes) in steps)
        {
            if (topic is null)
            {
                readers.ForEach(reader => Take(reader.Link, reader.Got));
            }
            else
            {
                publisher.PublishAcknowledged(ToRetain(topic, removes ? "" : "new"));
                untouched.Remove(topic);
                _ = removes ? there.Remove(topic) : there.Add(topic);
            }
        }

        foreach (var (filter, link, got) in readers)
        {
            while (Take(link, got))
            {
            }

            Assert.Equal(got.Count, got.Distinct().Count());
            Assert.Subset(topics.Where(TopicFilter.Parse(filter).Matches).ToHashSet(), got.ToHashSet());
            Assert.Superset(untouched.Where(TopicFilter.Parse(filter).Matches).ToHashSet(), got.ToHashSet());
        }

        Assert.Equal(there.Count, broker.Counters.RetainedMessages);
        foreach (var topic in there)
        {
            publisher.PublishAcknowledged(ToRetain(topic, ""));
        }

        Assert.Equal(0, broker.Counters.RetainedBytes);
    }

    /// <summary>The next message, if there is one; noted if it is a retained one.</summary>
    private static bool Take(TestLink link, List<string> retained)
    {
        if (link.TryNext() is not PublishPacket publish)
        {
            return false;
        }

        if (publish.Message.Retain)
        {
            Assert.Equal("old", TestLink.Text(publish));
            retained.Add(publish.Message.Topic);
        }

        link.Acknowledge(publish);
        return true;
    }
}
