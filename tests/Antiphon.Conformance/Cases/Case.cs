using Antiphon.Conformance.Brokers;
using Antiphon.Conformance.Wire;

namespace Antiphon.Conformance.Cases;

/// <summary>
/// One behaviour that a peer can see, as a table of bytes sent and expected. <see cref="CaseRun"/> says how a table is read.
/// </summary>
/// <param name="Sentence">What is shown.</param>
/// <param name="Labels">
/// The statements that it shows, parted by blanks. Those of MQTT 5 stand as they are,
/// those of 3.1.1 with <c>MQTT311-</c> in front of their number. There are none where the standard says it without a number.
/// </param>
/// <param name="Table">The steps, one a line.</param>
internal sealed record Case(string Sentence, string Labels, string Table)
{
    /// <summary>The versions in which the same table holds.</summary>
    public ProtocolVersion[] Versions { get; init; } = [ProtocolVersion.V5];

    public Need[] Needs { get; init; } = [];

    /// <summary>How long each expected answer may take.</summary>
    public TimeSpan Limit { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Whether it waits for the broker's own clock.</summary>
    public bool IsSlow => Table.Split('\n').Any(line => line.StartsWith("pause ", StringComparison.Ordinal));

    /// <summary>The labels one by one.</summary>
    public IReadOnlyList<string> LabelList => Labels.Split(' ', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>Those of the labels that belong to a version.</summary>
    public IEnumerable<string> LabelsOf(ProtocolVersion version) =>
        LabelList.Where(label => label.StartsWith("MQTT311-", StringComparison.Ordinal) == (version == ProtocolVersion.V311));

    /// <summary>A case of MQTT 5.</summary>
    public static Case V5(string sentence, string labels, string table, params Need[] needs) =>
        new(sentence, labels, table) { Needs = needs };

    /// <summary>A case of MQTT 3.1.1.</summary>
    public static Case V311(string sentence, string labels, string table, params Need[] needs) =>
        new(sentence, labels, table) { Versions = [ProtocolVersion.V311], Needs = needs };

    /// <summary>A case that holds in both versions.</summary>
    public static Case Both(string sentence, string labels, string table, params Need[] needs) =>
        new(sentence, labels, table) { Versions = [ProtocolVersion.V5, ProtocolVersion.V311], Needs = needs };
}
