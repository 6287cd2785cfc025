using System.Collections.Concurrent;
using System.Globalization;

namespace Antiphon.Conformance.Brokers;

/// <summary>
/// The outcomes of a run. A line has the broker's name and the day. Then there is a line for each case:
/// outcome, version, labels, sentence and, where skipped or failed, why.
/// </summary>
internal sealed class Results
{
    private readonly ConcurrentBag<string> _lines = [];

    public void Add(string outcome, string version, string labels, string sentence, string why) =>
        _lines.Add(string.Join('\t', outcome, version, labels, sentence, why.ReplaceLineEndings(" ")));

    public void WriteTo(string path, string broker)
    {
        var day = TimeProvider.System.GetUtcNow().ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
        string[] heads = [string.Join('\t', "broker", broker, day), string.Join('\t', "outcome", "version", "labels", "sentence", "why")];
        File.WriteAllLines(path, [.. heads, .. _lines.Order(StringComparer.Ordinal)]);
    }
}
