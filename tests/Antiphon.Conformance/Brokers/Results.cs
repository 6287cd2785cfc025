using System.Collections.Concurrent;

namespace Antiphon.Conformance.Brokers;

/// <summary>The outcomes of a run, one line a case: outcome, version, labels, sentence and, where skipped or failed, why.</summary>
internal sealed class Results
{
    private readonly ConcurrentBag<string> _lines = [];

    public void Add(string outcome, string version, string labels, string sentence, string why) =>
        _lines.Add(string.Join('\t', outcome, version, labels, sentence, why.ReplaceLineEndings(" ")));

    public void WriteTo(string path) =>
        File.WriteAllLines(path, _lines.Order(StringComparer.Ordinal).Prepend(string.Join('\t', "outcome", "version", "labels", "sentence", "why")));
}
