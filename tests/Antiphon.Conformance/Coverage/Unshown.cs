namespace Antiphon.Conformance.Coverage;

/// <summary>Why no table of bytes shows a statement to whoever stands outside the broker.</summary>
internal static class Unshown
{
    /// <summary>The reasons by label.</summary>
    public static IReadOnlyDictionary<string, string> Reasons { get; } =
        Repository.ReadTable("tests/Antiphon.Conformance/Coverage/unshown.tsv")
            .Skip(1)
            .ToDictionary(fields => fields[0], fields => fields[1]);
}
