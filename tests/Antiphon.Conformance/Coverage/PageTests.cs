namespace Antiphon.Conformance.Coverage;

/// <summary>
/// Holds labels, tests and pages together. With <c>ANTIPHON_WRITE_PAGES=1</c>, which <c>./test coverage</c> sets,
/// the pages are written anew first.
/// </summary>
public sealed class PageTests
{
    private static readonly ILookup<string, LabelledTest> Tests = LabelledTest.All.ToLookup(test => test.Label);

    [Fact]
    public void A_label_that_a_test_carries_is_that_of_a_statement()
    {
        var known = Statement.All.Select(statement => statement.Label).ToHashSet();

        Assert.Empty(
            LabelledTest.All.Where(test => !known.Contains(test.Label)).Select(test => $"{test.Label} of {test.Project} {test.Name}"));
    }

    [Fact]
    public void Every_statement_has_a_test_or_the_reason_why_not()
    {
        var bare = Statement.All.Where(statement => !Tests[statement.Label].Any() && !Unshown.Reasons.ContainsKey(statement.Label));

        Assert.Equal("", string.Join("; ", bare.Select(statement => $"{statement.Label} ({statement.Who}) {statement.Summary}")));
    }

    [Fact]
    public void Every_statement_that_binds_a_server_has_a_table_of_bytes_or_the_reason_why_not()
    {
        var bare = Statement.All.Where(statement =>
            statement.Who != "client"
            && !Tests[statement.Label].Any(test => test.IsCase)
            && !Unshown.Reasons.ContainsKey(statement.Label));

        Assert.Equal("", string.Join("; ", bare.Select(statement => $"{statement.Label} ({statement.Who}) {statement.Summary}")));
    }

    [Fact]
    public void No_reason_is_given_for_what_is_shown_or_does_not_exist()
    {
        var who = Statement.All.ToDictionary(statement => statement.Label, statement => statement.Who);
        var wrong = Unshown.Reasons.Where(one =>
            !who.TryGetValue(one.Key, out var binds) || Tests[one.Key].Any(test => test.IsCase || binds == "client"));

        Assert.Equal("", string.Join("; ", wrong.Select(one => $"{one.Key}: {one.Value}")));
    }

    [Fact]
    public void Departures_are_from_statements_that_exist() =>
        Assert.Empty(Departures.Sentences.Keys.Except(Statement.All.Select(statement => statement.Label)));

    [Fact]
    public void No_two_statements_have_one_label() =>
        Assert.Empty(Statement.All.GroupBy(statement => statement.Label).Where(group => group.Count() > 1).Select(group => group.Key));

    [Fact]
    public void Labels_are_found_on_methods_and_on_classes()
    {
        string[] source =
        [
            "[Trait(\"Label\", \"MQTT-1\")]", "public sealed class FirstTests", "{",
            "    [Fact]", "    [Trait(\"Label\", \"MQTT-2\"), Trait(\"Label\", \"MQTT-3\")]", "    public async Task Something_holds()",
            "    [Fact]", "    public void Nothing_is_said_here()", "    [Theory]", "    [Trait(\"Label\", \"MQTT-4\")]",
            "    [InlineData(1)]", "    public void Another_holds(int number)",
        ];

        var found = LabelledTest.Traits("tests/Antiphon.Broker.Tests/FirstTests.cs", source);

        Assert.Equal(
            [
                ("MQTT-1", "FirstTests"),
                ("MQTT-2", "FirstTests.Something_holds"),
                ("MQTT-3", "FirstTests.Something_holds"),
                ("MQTT-4", "FirstTests.Another_holds"),
            ],
            found.Select(test => (test.Label, test.Name)));
    }

    [Fact]
    public void The_page_of_coverage_is_what_the_tests_say() => Hold(CoveragePage.Path, CoveragePage.Write());

    [Fact]
    public void The_page_of_brokers_is_what_the_result_files_say() => Hold(ConformancePage.Path, ConformancePage.Write());

    private static void Hold(string path, string text)
    {
        var file = Repository.PathOf(path);
        if (Environment.GetEnvironmentVariable("ANTIPHON_WRITE_PAGES") == "1")
        {
            File.WriteAllText(file, text);
        }

        Assert.True(
            File.Exists(file) && File.ReadAllText(file).ReplaceLineEndings("\n") == text,
            $"{path} is not what it would be now; `./test coverage` writes it anew.");
    }
}
