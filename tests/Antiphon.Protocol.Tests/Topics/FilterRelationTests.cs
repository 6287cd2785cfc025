using System.Text;
using Antiphon.Protocol.Topics;

namespace Antiphon.Protocol.Tests.Topics;

/// <summary>What one Topic Filter covers of another, held against all short Topic Names.</summary>
public sealed class FilterRelationTests
{
    private static readonly string[] Names = ["a", "b", "", "$s"];

    // The empty one is among them, which is no Topic Name: rather an overlap too many, with /# and +, than a rule of its own for it.
    private static readonly string[] Topics = [.. Levels(Names, 4)];

    private static readonly string[] Filters =
        [.. Levels([.. Names, "+", "#"], 3).Where(filter => TopicFilter.TryParse(filter, out _, out _))];

    [Fact]
    public void A_filter_covers_another_if_it_matches_all_of_its_topics()
    {
        foreach (var wide in Filters)
        {
            foreach (var narrow in Filters)
            {
                // Two more levels than any filter has, and a name that none has, stand for all others.
                var expected = Topics.Append("z").Append("z/z/z/z/z").Where(Filter(narrow).Matches).All(Filter(wide).Matches)
                    && !NeedsAnotherName(wide, narrow);
                Assert.True(expected == TopicFilter.Covers(Utf8(wide), Utf8(narrow)), $"{wide} covers {narrow}: {!expected}");
            }
        }
    }

    [Fact]
    public void Filters_overlap_if_a_topic_matches_both()
    {
        foreach (var left in Filters)
        {
            foreach (var right in Filters)
            {
                var expected = Topics.Any(topic => Filter(left).Matches(topic) && Filter(right).Matches(topic));
                Assert.True(expected == TopicFilter.Overlap(Utf8(left), Utf8(right)), $"{left} and {right} overlap: {!expected}");
            }
        }
    }

    /// <summary>Each level of a filter with a + is tried with a name that stands in no filter.</summary>
    private static bool NeedsAnotherName(string wide, string narrow)
    {
        var other = narrow.Replace("+", "z", StringComparison.Ordinal);
        return new[] { other.Replace("#", "z", StringComparison.Ordinal), other.Replace("#", "z/z/z/z/z", StringComparison.Ordinal) }
            .Any(topic => Filter(narrow).Matches(topic) && !Filter(wide).Matches(topic));
    }

    private static IEnumerable<string> Levels(string[] names, int depth) =>
        depth == 1
            ? names
            : Levels(names, depth - 1).SelectMany(shorter => names.Select(name => $"{shorter}/{name}")).Concat(names).Distinct();

    private static TopicFilter Filter(string text) => TopicFilter.Parse(text);

    private static byte[] Utf8(string text) => Encoding.UTF8.GetBytes(text);
}
