using System.Text;
using Antiphon.Broker.Access;
using Antiphon.Broker.Buffers;
using Antiphon.Broker.Connections;
using Antiphon.Broker.Exchanges;
using Antiphon.Broker.Limits;
using Antiphon.Broker.Messages;
using Antiphon.Broker.Pressure;
using Antiphon.Broker.Publishing;
using Antiphon.Broker.Retained;
using Antiphon.Broker.Sessions;
using Antiphon.Broker.Subscriptions;
using Antiphon.Broker.Timing;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;
using Antiphon.Protocol.Topics;
using FsCheck;
using FsCheck.Fluent;

namespace Antiphon.Broker.Tests.Subscriptions;

/// <summary>The tree and its cache against a list of all subscriptions that is searched from end to end.</summary>
public sealed class MatchCacheTests
{
    private const int Clients = 4;

    private static readonly string[] Words = ["a", "b", "", "$x", "é"];

    private static readonly Gen<string> Topics =
        Gen.Elements(Words).NonEmptyListOf().Select(levels => string.Join('/', levels.Take(6))).Where(topic => topic.Length > 0);

    private static readonly Gen<string> Filters =
        from levels in Gen.Elements([.. Words, "+", "+"]).ListOf()
        from multi in Gen.Elements(false, false, true)
        from share in Gen.Elements("", "", "", "$share/g/", "$share/h/")
        let pattern = string.Join('/', multi ? levels.Take(5).Append("#") : levels.Take(6))
        where pattern.Length > 0
        select share + pattern;

    private static readonly Gen<Step> Steps = Gen.Frequency(
        (4,
            from client in Gen.Choose(0, Clients - 1)
            from filter in Filters
            from qos in Gen.Choose(0, 1)
            select new Step(StepKind.Subscribe, client, filter, qos)),
        (2, from client in Gen.Choose(0, Clients - 1) from filter in Filters select new Step(StepKind.Unsubscribe, client, filter, 0)),
        (2,
            from client in Gen.Choose(0, Clients - 1)
            from nth in Gen.Choose(0, 20)
            select new Step(StepKind.UnsubscribeNth, client, "", nth)),
        (1, from client in Gen.Choose(0, Clients - 1) select new Step(StepKind.End, client, "", 0)),
        (6, from topic in Topics select new Step(StepKind.Publish, 0, topic, 0)));

    private enum StepKind
    {
        Subscribe,
        Unsubscribe,
        UnsubscribeNth,
        End,
        Publish,
    }

    [Fact]
    [Trait("Label", "MQTT-3.3.2-3")]
    public void The_cached_match_always_equals_what_matches_one_by_one() =>
        Check.One(
            Config.QuickThrowOnFailure.WithMaxTest(300).WithEndSize(120),
            Prop.ForAll(
                Steps.ListOf().ToArbitrary(), Topics.ListOf().ToArbitrary(), (steps, repeated) => Holds(steps, [.. repeated.Take(10)])));

    private static void Holds(IEnumerable<Step> steps, string[] repeated)
    {
        var counters = new EngineCounters();
        var comparer = new Utf8Comparer(42);
        var tree = new SubscriptionTree(comparer);
        var cache = new MatchCache(tree, comparer);
        var options = new BrokerOptions();
        var messages = new MessagePool(new BufferPool());
        var wheel = new TimingWheel();
        var flushList = new FlushList();
        var inForce = new OptionsInForce(options);
        var retained = new RetainedStore(inForce, comparer, messages, wheel, counters);
        var exchanges = new ExchangeTable(inForce, comparer, wheel, watch: null, counters);
        var memory = new SessionMemory(inForce);
        var writer = new MessageWriter(comparer, memory, flushList, counters);
        var account = new MemoryAccount();
        var pressure = new MemoryPressure(inForce, account, counters);
        var sender = new Sender(inForce, account, writer, messages, exchanges, pressure, wheel, flushList, counters);
        var table = new SubscriptionTable(
            inForce, tree, cache, new RetainedWalks(retained, sender, memory), new AccessControl(inForce),
            new MessageLimits(inForce, counters), memory, counters);
        var sessions = Enumerable.Range(0, Clients).Select(i => new Session($"client{i}")).ToArray();
        var model = new Dictionary<(int Client, string Filter), QualityOfService>();
        foreach (var step in steps)
        {
            switch (step.Kind)
            {
                case StepKind.Subscribe:
                    var qos = (QualityOfService)step.Number;
                    table.Subscribe(sessions[step.Client], step.Text, TopicFilter.Parse(step.Text), new SubscriptionOptions(qos), []);
                    model[(step.Client, step.Text)] = qos;
                    break;
                case StepKind.Unsubscribe:
                    Unsubscribe(step.Client, step.Text);
                    break;
                case StepKind.UnsubscribeNth
                    when model.Keys.Where(key => key.Client == step.Client).ElementAtOrDefault(step.Number) is { Filter: { } filter }:
                    Unsubscribe(step.Client, filter);
                    break;
                case StepKind.End:
                    var all = int.MaxValue;
                    table.RemoveSome(sessions[step.Client], ref all);
                    sessions[step.Client] = new Session($"client{step.Client}");
                    foreach (var key in model.Keys.Where(key => key.Client == step.Client).ToList())
                    {
                        model.Remove(key);
                    }

                    break;
                case StepKind.Publish:
                    Compare(step.Text);
                    break;
                default:
                    break;
            }

            // The same topics again and again: these are in the cache whenever a change comes.
            foreach (var topic in repeated)
            {
                Compare(topic);
            }
        }

        Assert.Equal(model.Count, tree.Count);
        Assert.Equal(model.Count, counters.Subscriptions);

        void Unsubscribe(int client, string filter)
        {
            var existed = model.Remove((client, filter));
            Assert.Equal(existed ? ReasonCode.Success : ReasonCode.NoSubscriptionExisted, table.Unsubscribe(sessions[client], filter));
        }

        void Compare(string topic)
        {
            var match = cache.Match(Encoding.UTF8.GetBytes(topic));
            var matching = model.Where(held => TopicFilter.Parse(held.Key.Filter).Matches(topic)).ToList();
            var single = matching.Where(held => !TopicFilter.Parse(held.Key.Filter).IsShared).GroupBy(held => held.Key.Client);
            Assert.Equal(
                single.Select(held => (held.Key, held.Max(each => each.Value))).Order(),
                match.Sessions.Select(held => (Array.IndexOf(sessions, held.Session), held.QoS)).Order());
            var groups = matching.Where(held => TopicFilter.Parse(held.Key.Filter).IsShared).GroupBy(held => held.Key.Filter);
            Assert.Equal(groups.Count(), match.Groups.Length);
            foreach (var group in match.Groups)
            {
                var chosen = group.Choose(0)!;
                Assert.Contains((Array.IndexOf(sessions, chosen.Session), chosen.TopicFilter), matching.Select(held => held.Key));
                Assert.Equal(model[(Array.IndexOf(sessions, chosen.Session), chosen.TopicFilter)], chosen.QoS);
            }
        }
    }

    private sealed record Step(StepKind Kind, int Client, string Text, int Number);
}
