using System.Globalization;
using System.Text;

namespace Antiphon.Conformance.Coverage;

/// <summary>The page that tells, statement by statement, how brokers fared.</summary>
internal static class ConformancePage
{
    public const string Path = "docs/conformance.md";

    public static string Write()
    {
        var runs = BrokerResults.All;
        var page = new StringBuilder();
        page.Append("""
            # How brokers fare

            The tables of bytes of `tests/Antiphon.Conformance`, run against brokers one after the other. This page is generated
            by `./test coverage` from the result files in `tests/Antiphon.Conformance/Results`, which runs wrote:

                ./test conformance --results tests/Antiphon.Conformance/Results/antiphon.tsv
                ./test conformance --broker 127.0.0.1:1883 --name "mosquitto 2.0.11" \
                    --results tests/Antiphon.Conformance/Results/mosquitto-2.0.11.tsv

            Antiphon runs in the process of the tests. It runs with its default options, and once more with others, for what the
            default options leave out: less QoS, no retained messages, a password, an authentication method. Behind its version
            stands the commit that the build began from. mosquitto is that of Debian 12 (2.0.11-1.2+deb12u2) with
            `allow_anonymous true` and nothing else configured. So it skips a good part for want of such a second configuration.
            A case that needs what a broker does not have is skipped, not failed. The cases are ours: where one fails, the bytes
            that came are told below. The statement of the standard that they are held against is in
            [spec-coverage.md](spec-coverage.md).

            | broker | day | passed | failed | skipped |
            | --- | --- | ---: | ---: | ---: |

            """.ReplaceLineEndings("\n"));
        foreach (var run in runs)
        {
            page.Append(
                CultureInfo.InvariantCulture,
                $"| {run.Broker} | {run.Date} | {Count(run, "passed")} | {Count(run, "failed")} | {Count(run, "skipped")} |\n");
        }

        foreach (var run in runs)
        {
            WriteList(page, run, "failed", "What fails with");
            WriteList(page, run, "skipped", "What was skipped with");
        }

        WriteStatements(page, runs);
        return page.ToString();
    }

    private static int Count(BrokerResults run, string verdict) => run.Outcomes.Count(outcome => outcome.Verdict == verdict);

    private static void WriteList(StringBuilder page, BrokerResults run, string verdict, string title)
    {
        var listed = run.Outcomes.Where(outcome => outcome.Verdict == verdict).ToArray();
        if (listed.Length == 0)
        {
            return;
        }

        page.Append(CultureInfo.InvariantCulture, $"\n## {title} {run.Broker}\n\n");
        foreach (var outcome in listed)
        {
            var labels = outcome.Labels.Length > 0 ? string.Join(", ", outcome.Labels) : "no numbered statement";
            var why = verdict == "failed" ? $"`{outcome.Why}`" : CoveragePage.Cell(outcome.Why);
            page.Append(
                CultureInfo.InvariantCulture, $"- {outcome.Version}: {CoveragePage.Cell(outcome.Sentence)}. ({labels}) {why}\n");
        }
    }

    private static void WriteStatements(StringBuilder page, IReadOnlyList<BrokerResults> runs)
    {
        page.Append(
            CultureInfo.InvariantCulture,
            $"\n## Statement by statement\n\n| label | {string.Join(" | ", runs.Select(run => run.Broker))} |\n"
            + $"| --- |{string.Concat(runs.Select(_ => " --- |"))}\n");
        foreach (var statement in Statement.All)
        {
            var cells = runs
                .Select(run => Verdict([.. run.Outcomes.Where(outcome => outcome.Labels.Contains(statement.Label))]))
                .ToArray();
            if (cells.Any(cell => cell.Length > 0))
            {
                page.Append(CultureInfo.InvariantCulture, $"| {statement.Label} | {string.Join(" | ", cells)} |\n");
            }
        }
    }

    /// <summary>How often a statement held, was broken or could not be tried.</summary>
    private static string Verdict(BrokerResults.Outcome[] outcomes) => string.Join(", ", outcomes
        .GroupBy(outcome => outcome.Verdict)
        .OrderBy(group => group.Key, StringComparer.Ordinal)
        .Select(group => group.Key == "failed" ? $"**{group.Count()} failed**" : $"{group.Count()} {group.Key}"));
}
