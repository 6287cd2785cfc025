using System.Globalization;

namespace Antiphon.Bench.Results;

/// <summary>The median of some numbers, and the least and the greatest of them.</summary>
internal readonly record struct Spread(double Median, double Least, double Greatest)
{
    public static Spread? Of(IEnumerable<double> numbers)
    {
        var sorted = numbers.Order().ToArray();
        if (sorted.Length == 0)
        {
            return null;
        }

        var middle = sorted.Length / 2;
        var median = sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
        return new Spread(median, sorted[0], sorted[^1]);
    }

    public override string ToString() =>
        Least == Greatest ? Short(Median) : $"{Short(Median)} ({Short(Least)}–{Short(Greatest)})";

    /// <summary>Three digits that count.</summary>
    public static string Short(double value) => value switch
    {
        >= 1000 => value.ToString("N0", CultureInfo.InvariantCulture),
        >= 100 => value.ToString("F0", CultureInfo.InvariantCulture),
        >= 10 => value.ToString("F1", CultureInfo.InvariantCulture),
        _ => value.ToString("F2", CultureInfo.InvariantCulture),
    };
}
