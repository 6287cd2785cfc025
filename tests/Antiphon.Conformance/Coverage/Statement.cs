namespace Antiphon.Conformance.Coverage;

/// <summary>A numbered statement of a standard, in our own words.</summary>
/// <param name="Label">
/// Its number, as tests carry it: with <c>MQTT-</c> in front for MQTT 5, with <c>MQTT311-</c> for 3.1.1.
/// </param>
/// <param name="Who">Whom it binds: server, client or both.</param>
/// <param name="Summary">What it says.</param>
internal sealed record Statement(string Label, string Who, string Summary)
{
    public bool IsOf311 => Label.StartsWith("MQTT311-", StringComparison.Ordinal);

    /// <summary>The chapter and section, such as 3.1.</summary>
    public string Section => string.Join('.', Label.Split('-')[1].Split('.').Take(2));

    /// <summary>Those of MQTT 5, then those of 3.1.1, in the order of their sections.</summary>
    public static IReadOnlyList<Statement> All { get; } = [.. Read("normative.tsv"), .. Read("normative-3.1.1.tsv")];

    private static IEnumerable<Statement> Read(string file) =>
        Repository.ReadTable($"tests/Antiphon.Conformance/Coverage/{file}")
            .Skip(1)
            .Select(fields => new Statement(fields[0], fields[1], fields[2]));
}
