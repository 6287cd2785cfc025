using System.Globalization;
using System.Text;

namespace Antiphon.Conformance.Coverage;

/// <summary>The page that lists every statement with the tests that show it.</summary>
internal static class CoveragePage
{
    public const string Path = "docs/spec-coverage.md";

    public static string Write()
    {
        var tests = LabelledTest.All.ToLookup(test => test.Label);
        var page = new StringBuilder();
        page.Append("""
            # The standards, statement by statement

            Every numbered statement of MQTT 5 and MQTT 3.1.1, in our own words, with the tests that carry its label. This page is
            generated: `./test coverage` writes it anew, and a test fails when it is not what the tests say. How brokers fare with
            the tables of bytes is on the page [conformance.md](conformance.md).

            *Bytes* are the tables of `tests/Antiphon.Conformance`: bytes sent to a broker over TCP and bytes expected of it. Any
            broker can be tried with them. The others are tests of the project named. A sentence after a dash says why no table of
            bytes shows the statement. *Departs:* says which setting has our broker do otherwise; unless it is set,
            the statement holds.


            """.ReplaceLineEndings("\n"));
        WriteSums(page, tests);
        WriteStandard(page, "MQTT 5", Statement.All.Where(statement => !statement.IsOf311), tests);
        WriteStandard(page, "MQTT 3.1.1", Statement.All.Where(statement => statement.IsOf311), tests);
        return page.ToString();
    }

    private static void WriteSums(StringBuilder page, ILookup<string, LabelledTest> tests)
    {
        page.Append("| | statements | shown by bytes | by other tests only | by no test |\n| --- | ---: | ---: | ---: | ---: |\n");
        foreach (var of311 in new[] { false, true })
        {
            foreach (var who in new[] { "server", "both", "client" })
            {
                var statements = Statement.All.Where(statement => statement.IsOf311 == of311 && statement.Who == who).ToArray();
                var bytes = statements.Count(statement => tests[statement.Label].Any(test => test.IsCase));
                var none = statements.Count(statement => !tests[statement.Label].Any());
                page.Append(
                    CultureInfo.InvariantCulture,
                    $"| {(of311 ? "MQTT 3.1.1" : "MQTT 5")}, {(who == "both" ? "both ends" : who)} "
                    + $"| {statements.Length} | {bytes} | {statements.Length - bytes - none} | {none} |\n");
            }
        }
    }

    private static void WriteStandard(
        StringBuilder page, string name, IEnumerable<Statement> statements, ILookup<string, LabelledTest> tests)
    {
        foreach (var section in statements.GroupBy(statement => statement.Section))
        {
            page.Append(
                CultureInfo.InvariantCulture,
                $"\n## {name} §{section.Key}\n\n| label | binds | statement | shown by |\n| --- | --- | --- | --- |\n");
            foreach (var statement in section)
            {
                var shown = ShownBy(tests[statement.Label])
                    .Concat(Unshown.Reasons.TryGetValue(statement.Label, out var reason) ? [$"— {reason}"] : [])
                    .Concat(Departures.Sentences.TryGetValue(statement.Label, out var sentence) ? [$"*Departs:* {sentence}"] : []);
                page.Append(
                    CultureInfo.InvariantCulture,
                    $"| {statement.Label} | {statement.Who} | {Cell(statement.Summary)} | {string.Join("<br>", shown)} |\n");
            }
        }
    }

    private static IEnumerable<string> ShownBy(IEnumerable<LabelledTest> tests) => tests
        .GroupBy(test => test.Project)
        .Select(group =>
            $"*{(group.First().IsCase ? "Bytes" : group.Key)}:* "
            + string.Join("; ", group.Select(test => Cell(test.Name)).Distinct()));

    /// <summary>Text as it may stand in a cell of a table.</summary>
    internal static string Cell(string text) => text
        .Replace("|", "\\|", StringComparison.Ordinal)
        .Replace("<", "&lt;", StringComparison.Ordinal)
        .Replace("*", "\\*", StringComparison.Ordinal);
}
