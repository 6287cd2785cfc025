using System.Text.Json;
using Antiphon.Interop.Mosquitto;

namespace Antiphon.Cli.Tests.Probing;

public sealed class ProbeCommandTests
{
    [Fact]
    public async Task Our_broker_tells_of_nobody_and_gives_each_client_its_own_Response_Information()
    {
        await using var broker = Running.Cli.StartBroker();

        var end = await Running.Cli.RunAtAsync(broker.Port, "probe");

        Assert.Equal((0, ""), (end.ExitCode, end.Errors));
        Assert.Contains("0x10 in PUBACK            yes: a request to nobody fails at once\n", end.Output, StringComparison.Ordinal);
        Assert.Contains("0x10 in PUBREC            yes\n", end.Output, StringComparison.Ordinal);
        Assert.Matches(@"Response Information      \$reply/\S+\n", end.Output);
        Assert.Contains("  by client               yes: each client has its own\n", end.Output, StringComparison.Ordinal);
        Assert.Contains("Shared subscriptions      yes\n", end.Output, StringComparison.Ordinal);
        Assert.DoesNotContain('\e', end.Output);
    }

    [Fact]
    public async Task Json_has_it_on_one_line()
    {
        await using var broker = Running.Cli.StartBroker();

        var end = await Running.Cli.RunAtAsync(broker.Port, "probe", "--json");

        var line = JsonDocument.Parse(Assert.Single(end.Lines)).RootElement;
        Assert.Equal(broker.Port, line.GetProperty("port").GetInt32());
        Assert.True(line.GetProperty("noMatchingSubscribersInPuback").GetBoolean());
        Assert.Equal(2, line.GetProperty("maximumQos").GetInt32());
        Assert.True(line.GetProperty("noMatchingSubscribersInPubrec").GetBoolean());
        Assert.True(line.GetProperty("responseInformationDiffersByClient").GetBoolean());
        Assert.True(line.GetProperty("sharedSubscriptions").GetBoolean());
        Assert.True(line.GetProperty("wildcardSubscriptions").GetBoolean());
    }

    [Fact]
    public async Task Mosquitto_has_QoS_2_and_no_Response_Information()
    {
        await using var broker = await MosquittoBroker.StartAsync();

        var end = await Running.Cli.RunAtAsync(broker.Port, "probe", "--json");

        var line = JsonDocument.Parse(Assert.Single(end.Lines)).RootElement;
        Assert.Equal(0, end.ExitCode);
        Assert.Equal(2, line.GetProperty("maximumQos").GetInt32());
        Assert.True(line.GetProperty("noMatchingSubscribersInPuback").GetBoolean());
        Assert.True(line.TryGetProperty("noMatchingSubscribersInPubrec", out _));
        Assert.False(line.TryGetProperty("responseInformation", out _));
        Assert.False(line.TryGetProperty("responseInformationDiffersByClient", out _));
        Assert.True(line.GetProperty("sharedSubscriptions").GetBoolean());
        Assert.Equal(10, line.GetProperty("topicAliasMaximum").GetInt32());
        Assert.Equal(MosquittoBroker.ReceiveMaximum, line.GetProperty("receiveMaximum").GetInt32());
    }
}
