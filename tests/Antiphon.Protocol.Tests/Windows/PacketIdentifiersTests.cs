using Antiphon.Protocol.Windows;

namespace Antiphon.Protocol.Tests.Windows;

public sealed class PacketIdentifiersTests
{
    private const int All = 65_535;

    private readonly PacketIdentifiers<string> _identifiers = new();

    [Fact]
    [Trait("Label", "MQTT-2.2.1-3")]
    public void Every_identifier_is_given_once_and_then_there_is_none()
    {
        var given = Enumerable.Range(0, All).Select(_ => _identifiers.Allocate("one").Value).ToHashSet();

        Assert.Equal(All, given.Count);
        Assert.DoesNotContain((ushort)0, given);
        Assert.Equal(PacketIdentifier.None, _identifiers.Allocate("one too many"));
        Assert.Equal(All, _identifiers.Count);
        _identifiers.Release(new PacketIdentifier(777));
        Assert.Equal(777, _identifiers.Allocate("next").Value);
        Assert.Equal(PacketIdentifier.None, _identifiers.Allocate("one too many"));
    }

    [Fact]
    [Trait("Label", "MQTT-2.2.1-4")]
    public void One_that_is_never_given_back_stops_nothing_else()
    {
        var kept = _identifiers.Allocate("kept");
        for (var i = 0; i < 3 * All; i++)
        {
            var other = _identifiers.Allocate("other");
            Assert.NotEqual(kept, other);
            Assert.NotEqual(PacketIdentifier.None, other);
            _identifiers.Release(other);
        }

        Assert.Equal("kept", _identifiers.Find(kept));
        Assert.Equal(1, _identifiers.Count);
    }

    [Fact]
    public void One_given_back_is_not_the_next_and_belongs_to_nobody()
    {
        var first = _identifiers.Allocate("first");
        _identifiers.Release(first);
        var second = _identifiers.Allocate("second");

        Assert.NotEqual(first, second);
        Assert.Null(_identifiers.Find(first));
        Assert.Equal("second", _identifiers.Find(second));
        Assert.Null(_identifiers.Find(PacketIdentifier.None));
        Assert.Null(_identifiers.Find(new PacketIdentifier(65_535)));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(64)]
    [InlineData(65_535)]
    public void One_that_was_claimed_is_not_given_to_another(ushort claimed)
    {
        _identifiers.Claim(new PacketIdentifier(claimed), "claimed");

        var given = Enumerable.Range(0, All - 1).Select(_ => _identifiers.Allocate("other").Value).ToHashSet();

        Assert.Equal(All - 1, given.Count);
        Assert.DoesNotContain(claimed, given);
        Assert.Equal(PacketIdentifier.None, _identifiers.Allocate("one too many"));
        Assert.Equal("claimed", _identifiers.Find(new PacketIdentifier(claimed)));
    }

    [Fact]
    public void An_owner_that_is_a_value_is_changed_in_its_place()
    {
        var identifiers = new PacketIdentifiers<int>();
        var identifier = identifiers.Allocate(1);
        identifiers[identifier]++;

        Assert.Equal(2, identifiers.Find(identifier));
    }

    [Fact]
    public void It_agrees_with_a_dictionary_whatever_is_taken_and_given_back()
    {
        var random = new Random(8);
        var identifiers = new PacketIdentifiers<int>();
        var expected = new Dictionary<ushort, int>();
        for (var i = 1; i <= 200_000; i++)
        {
            // Fills up and empties again, several times.
            var fills = i / 40_000 % 2 == 0;
            if (random.Next(10) < (fills ? 8 : 2))
            {
                var identifier = random.Next(100) == 0 ? new PacketIdentifier((ushort)random.Next(1, All + 1)) : PacketIdentifier.None;
                if (identifier == PacketIdentifier.None)
                {
                    identifier = identifiers.Allocate(i);
                }
                else if (expected.ContainsKey(identifier.Value))
                {
                    continue;
                }
                else
                {
                    identifiers.Claim(identifier, i);
                }

                expected.Add(identifier.Value, i);
            }
            else if (expected.Count > 0)
            {
                var identifier = expected.First().Key;
                identifiers.Release(new PacketIdentifier(identifier));
                expected.Remove(identifier);
            }

            Assert.Equal(expected.Count, identifiers.Count);
        }

        for (var value = 0; value <= All; value++)
        {
            Assert.Equal(expected.GetValueOrDefault((ushort)value), identifiers.Find(new PacketIdentifier((ushort)value)));
        }

        // Who took one later has the greater number.
        Assert.Equal(expected.OrderBy(pair => pair.Value).Select(pair => pair.Key), InOrder(identifiers));
    }

    [Fact]
    public void Those_in_use_stand_in_the_order_in_which_they_were_taken()
    {
        Assert.Equal(PacketIdentifier.None, _identifiers.Oldest);
        var taken = Enumerable.Range(0, 6).Select(_ => _identifiers.Allocate("one").Value).ToList();
        Assert.Equal(taken, InOrder(_identifiers));

        foreach (var place in new[] { 5, 2, 0 })
        {
            _identifiers.Release(new PacketIdentifier(taken[place]));
            taken.RemoveAt(place);
            Assert.Equal(taken, InOrder(_identifiers));
        }

        _identifiers.Claim(new PacketIdentifier(40_000), "claimed");
        Assert.Equal([.. taken, 40_000], InOrder(_identifiers));
    }

    [Fact]
    public void Taking_and_giving_back_allocates_nothing_once_the_table_has_grown()
    {
        var taken = new Queue<PacketIdentifier>();
        for (var i = 0; i < 1_000; i++)
        {
            taken.Enqueue(_identifiers.Allocate("one"));
        }

        const int Times = 100_000;
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < Times; i++)
        {
            _identifiers.Release(taken.Dequeue());
            taken.Enqueue(_identifiers.Allocate("one"));
        }

        // Where tests beside this one make the collector run, what is left of this thread's room counts as used;
        // an object a time would be far more.
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, Times);
    }

    private static List<ushort> InOrder<TOwner>(PacketIdentifiers<TOwner> identifiers)
    {
        var values = new List<ushort>();
        for (var next = identifiers.Oldest; next != PacketIdentifier.None; next = identifiers.After(next))
        {
            values.Add(next.Value);
        }

        return values;
    }
}
