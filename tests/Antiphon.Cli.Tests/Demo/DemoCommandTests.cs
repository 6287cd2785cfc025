using System.Text.RegularExpressions;

namespace Antiphon.Cli.Tests.Demo;

public sealed partial class DemoCommandTests
{
    [Fact]
    public async Task The_demo_shows_a_real_exchange_and_ends_by_itself()
    {
        var end = await Running.Cli.RunAsync("demo");

        Assert.Equal((0, ""), (end.ExitCode, end.Errors));
        Assert.Matches(@"listens on mqtt://127\.0\.0\.1:\d+", end.Output);
        Assert.Contains("Topic Name        device_1/relay_1", end.Output, StringComparison.Ordinal);
        Assert.DoesNotMatch(@"Topic Name +\r?\n", end.Output);
        Assert.Contains("relay: 0.0 V -> 3.3 V", end.Output, StringComparison.Ordinal);
        Assert.Contains("PUBACK 0x10 NoMatchingSubscribers", end.Output, StringComparison.Ordinal);
        Assert.Contains("NoResponderException", end.Output, StringComparison.Ordinal);
        Assert.Contains("RequestTimeoutException", end.Output, StringComparison.Ordinal);
        Assert.DoesNotContain('\e', end.Output);
    }

    [Fact]
    public async Task Its_values_are_those_of_this_run()
    {
        var first = await Running.Cli.RunAsync("demo");
        var second = await Running.Cli.RunAsync("demo");

        var responseTopics = ResponseTopic().Matches(first.Output)
            .Concat(ResponseTopic().Matches(second.Output))
            .Select(match => match.Value)
            .Distinct();
        var correlationData = CorrelationData().Matches(first.Output)
            .Concat(CorrelationData().Matches(second.Output))
            .Select(match => match.Value)
            .Distinct();

        // Each run has one Response Topic, and Correlation Data of four requests:
        // two are answered, nobody listens to the third, and the fourth times out.
        Assert.Equal(2, responseTopics.Count());
        Assert.Equal(8, correlationData.Count());
    }

    [GeneratedRegex(@"Response Topic    \$reply/\S+")]
    private static partial Regex ResponseTopic();

    [GeneratedRegex("Correlation Data  [0-9a-f]{32}")]
    private static partial Regex CorrelationData();
}
