using System.Text;
using Antiphon.Protocol.Aliases;

namespace Antiphon.Protocol.Tests.Aliases;

public sealed class OutgoingAliasesTests
{
    private readonly OutgoingAliases _one = new(seed: 42, maximum: 1);

    [Fact]
    [Trait("Label", "MQTT-3.3.2-8")]
    public void A_topic_that_comes_twice_has_an_alias_and_is_known_when_it_has_been_taught()
    {
        Assert.Equal(0, _one.Find("topic"u8, out _));

        Assert.Equal(1, _one.Find("topic"u8, out var isKnown));
        Assert.False(isKnown);
        Assert.Equal(1, _one.Find("topic"u8, out isKnown));
        Assert.False(isKnown, "Nobody has said that the packet was written.");
        _one.Teach(1, "topic"u8);

        Assert.Equal(1, _one.Find("topic"u8, out isKnown));
        Assert.True(isKnown);
    }

    [Fact]
    public void An_alias_passes_on_only_to_a_topic_that_comes_twice_in_a_row()
    {
        Teach("topic");
        for (var i = 0; i < 10; i++)
        {
            Assert.Equal(0, _one.Find(Bytes($"answers/{i}"), out _));
            Assert.Equal(1, _one.Find("topic"u8, out var isKnown));
            Assert.True(isKnown);
        }

        Teach("other");
        Assert.Equal(0, _one.Find("topic"u8, out _));
        Assert.Equal(1, _one.Find("other"u8, out var otherIsKnown));
        Assert.True(otherIsKnown);
    }

    [Fact]
    public void A_shorter_topic_in_the_place_of_a_longer_one_is_not_taken_for_it()
    {
        Teach("topic/long");
        Teach("topic");

        Assert.Equal(0, _one.Find("topic/long"u8, out _));
    }

    [Theory]
    [InlineData(1, false)]
    [InlineData(3, false)] // As long as the alias.
    [InlineData(4, true)]
    [InlineData(1024, true)]
    [InlineData(1025, false)] // Would take too much memory.
    public void A_topic_has_an_alias_where_that_is_shorter_and_fits_the_table(int length, bool hasAlias)
    {
        var topic = Bytes(new string('x', length));
        _one.Find(topic, out _);

        Assert.Equal(hasAlias, _one.Find(topic, out _) != 0);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(5)]
    [InlineData(16)]
    [Trait("Label", "MQTT-3.1.2-26")]
    [Trait("Label", "MQTT-3.2.2-17")]
    public void Aliases_stay_within_the_maximum_whatever_the_topics(int maximum)
    {
        var aliases = new OutgoingAliases(seed: 42, maximum);
        var seen = new HashSet<int>();
        for (var i = 0; i < 1000; i++)
        {
            aliases.Find(Bytes($"topic/{i}"), out _);
            var alias = aliases.Find(Bytes($"topic/{i}"), out _);
            aliases.Teach(alias, Bytes($"topic/{i}"));
            seen.Add(alias);
        }

        Assert.Equal(Enumerable.Range(1, maximum), seen.Order());
    }

    [Fact]
    public void The_seed_decides_which_topics_share_a_place()
    {
        Assert.NotEqual(Places(seed: 1), Places(seed: 2));
        Assert.Equal(Places(seed: 1), Places(seed: 1));

        static int[] Places(ulong seed)
        {
            var aliases = new OutgoingAliases(seed, maximum: 1000);
            return [.. Enumerable.Range(0, 100).Select(i => Bytes($"topic/{i}")).Select(topic =>
            {
                aliases.Find(topic, out _);
                return (int)aliases.Find(topic, out _);
            })];
        }
    }

    [Theory]
    [InlineData(16)]
    [InlineData(1000)]
    public void What_it_takes_in_memory_is_told_beforehand(int maximum)
    {
        var topics = Enumerable.Range(0, maximum).Select(i => new byte[100 + i % 400]).ToArray();
        var (allocated, told) = (GC.GetAllocatedBytesForCurrentThread(), OutgoingAliases.SizeOf(maximum));
        var aliases = new OutgoingAliases(seed: 1, maximum);
        for (ushort alias = 1; alias <= maximum; alias++)
        {
            told += aliases.CostOf(alias, topics[alias - 1]);
            aliases.Teach(alias, topics[alias - 1]);
        }

        allocated = GC.GetAllocatedBytesForCurrentThread() - allocated;
        Assert.InRange((double)told / allocated, 0.95, 1.05);
        Assert.Equal(0, aliases.CostOf(1, topics[0]));
        Assert.Equal(50, aliases.CostOf(1, new byte[topics[0].Length + 50]));
    }

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    private void Teach(string topic)
    {
        _one.Find(Bytes(topic), out _);
        _one.Teach(_one.Find(Bytes(topic), out _), Bytes(topic));
    }
}
