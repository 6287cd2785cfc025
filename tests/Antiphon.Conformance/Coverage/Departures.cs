namespace Antiphon.Conformance.Coverage;

/// <summary>Where our broker does otherwise than a statement says, and under which setting. None is so unless it is asked for.</summary>
internal static class Departures
{
    /// <summary>A sentence by label.</summary>
    public static IReadOnlyDictionary<string, string> Sentences { get; } =
        Repository.ReadTable("tests/Antiphon.Conformance/Coverage/departures.tsv")
            .Skip(1)
            .ToDictionary(fields => fields[0], fields => fields[1]);
}
