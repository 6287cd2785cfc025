using System.Reflection;
using System.Text.RegularExpressions;
using Antiphon.Conformance.Cases;
using Antiphon.Conformance.Hostile;
using Antiphon.Conformance.Hostile.Tables;

namespace Antiphon.Conformance.Coverage;

/// <summary>A test that carries a label.</summary>
/// <param name="Label">The label.</param>
/// <param name="Project">The test project, without what all their names begin with.</param>
/// <param name="Name">The sentence of a case, or the class and the method of another test.</param>
internal sealed partial record LabelledTest(string Label, string Project, string Name)
{
    private const string Conformance = "Conformance";

    /// <summary>Whether it is a table of bytes, which any broker can be tried with.</summary>
    public bool IsCase => Project == Conformance;

    /// <summary>Those of all test projects, in a fixed order.</summary>
    public static IReadOnlyList<LabelledTest> All { get; } =
        [
            .. Cases(),
            .. BadPackets(),
            .. Repository.TestSources().SelectMany(path => Traits(path, File.ReadLines(Repository.PathOf(path)))),
        ];

    /// <summary>
    /// The labels in the attributes of a source file.
    /// The sources are read because the assemblies of the other projects need not have been built.
    /// </summary>
    internal static IEnumerable<LabelledTest> Traits(string path, IEnumerable<string> lines)
    {
        var project = path.Split('/')[1].Replace("Antiphon.", "", StringComparison.Ordinal);
        var type = "";
        List<string> pending = [];
        foreach (var line in lines)
        {
            pending.AddRange(TraitPattern().Matches(line).Select(match => match.Groups[1].Value));
            if (ClassPattern().Match(line) is { Success: true } named)
            {
                type = named.Groups[1].Value;
                foreach (var label in pending)
                {
                    yield return new LabelledTest(label, project, type);
                }

                pending.Clear();
            }
            else if (MethodPattern().Match(line) is { Success: true } method)
            {
                foreach (var label in pending)
                {
                    yield return new LabelledTest(label, project, $"{type}.{method.Groups[1].Value}");
                }

                pending.Clear();
            }
        }
    }

    private static IEnumerable<LabelledTest> Cases() => typeof(LabelledTest).Assembly.GetTypes()
        .OrderBy(type => type.FullName, StringComparer.Ordinal)
        .SelectMany(type => type.GetFields(BindingFlags.Static | BindingFlags.NonPublic | BindingFlags.Public))
        .Where(field => field.FieldType == typeof(CaseTable))
        .SelectMany(field => (CaseTable)field.GetValue(null)!)
        .SelectMany(one => one.LabelList.Select(label => new LabelledTest(label, Conformance, one.Sentence)));

    /// <summary>The tables of bad packets, each with the number of its rows in place of a sentence.</summary>
    private static IEnumerable<LabelledTest> BadPackets() => typeof(BadPacketTests).GetFields(BindingFlags.Static | BindingFlags.NonPublic)
        .Select(field => field.GetValue(null))
        .OfType<BadPacketTable>()
        .SelectMany(table => table.Labels.Select(counted =>
            new LabelledTest(
                counted.Label,
                Conformance,
                $"{counted.Count} bad {(counted.Count == 1 ? "packet" : "packets")} among those of {table.Name}")));

    [GeneratedRegex("""Trait\("Label", "([^"]+)"\)""")]
    private static partial Regex TraitPattern();

    [GeneratedRegex(@"^\s*(?:public|internal) .*\bclass (\w+)")]
    private static partial Regex ClassPattern();

    [GeneratedRegex(@"^\s*public (?:static )?(?:async )?(?:void|Task|ValueTask) (\w+)\(")]
    private static partial Regex MethodPattern();
}
