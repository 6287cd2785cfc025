namespace Antiphon.Conformance.Coverage;

/// <summary>A results file as a run of the cases wrote it.</summary>
/// <param name="Broker">The broker's name and version.</param>
/// <param name="Date">The day of the run.</param>
/// <param name="Outcomes">What came of each case.</param>
internal sealed record BrokerResults(string Broker, string Date, IReadOnlyList<BrokerResults.Outcome> Outcomes)
{
    private const string Folder = "tests/Antiphon.Conformance/Results";

    /// <summary>Those that are kept in the tree.</summary>
    public static IReadOnlyList<BrokerResults> All { get; } =
        [
            .. Directory.GetFiles(Repository.PathOf(Folder), "*.tsv")
                .Order(StringComparer.Ordinal)
                .Select(path => Read([.. Repository.ReadTable($"{Folder}/{Path.GetFileName(path)}")])),
        ];

    private static BrokerResults Read(string[][] lines) =>
        new(lines[0][1], lines[0][2], [.. lines.Skip(2).Select(ReadOutcome)]);

    private static Outcome ReadOutcome(string[] fields) =>
        new(fields[0], fields[1], fields[2].Split(' ', StringSplitOptions.RemoveEmptyEntries), fields[3], fields[4]);

    /// <summary>What came of a case in one version: passed, failed or skipped.</summary>
    internal sealed record Outcome(string Verdict, string Version, string[] Labels, string Sentence, string Why);
}
