namespace Antiphon.Server.Configuration;

/// <summary>Finds what was meant by a name that does not exist.</summary>
internal static class Spelling
{
    /// <summary>The name that differs in the fewest letters; <c>null</c>: none is near enough to be meant.</summary>
    public static string? Nearest(string name, IEnumerable<string> names)
    {
        var (nearest, distance) = names.Select(other => (other, Distance(name, other))).DefaultIfEmpty().MinBy(one => one.Item2);
        return nearest is not null && distance <= Math.Max(2, name.Length / 3) ? nearest : null;
    }

    /// <summary>How many letters have to be changed, added or taken away (Levenshtein); their case does not count.</summary>
    private static int Distance(string one, string other)
    {
        var row = Enumerable.Range(0, other.Length + 1).ToArray();
        for (var i = 1; i <= one.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= other.Length; j++)
            {
                var replace = diagonal + (char.ToLowerInvariant(one[i - 1]) == char.ToLowerInvariant(other[j - 1]) ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.Min(replace, Math.Min(row[j], row[j - 1]) + 1);
            }
        }

        return row[^1];
    }
}
