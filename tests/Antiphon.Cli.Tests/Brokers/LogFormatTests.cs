using System.Text.Json;

namespace Antiphon.Cli.Tests.Brokers;

/// <summary>What <c>antiphon broker</c> writes to its log.</summary>
public sealed class LogFormatTests : IDisposable
{
    private readonly BrokerFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task As_JSON_a_line_has_the_number_of_its_event_and_what_stands_in_the_sentence()
    {
        await using var broker = _folder.Start(Config("""{ "format": "json" }"""));
        var port = await BrokerFolder.PortAsync(broker);
        await using var client = await BrokerFolder.ConnectAsync(port, options => options with { ClientId = "ann" });

        var line = JsonDocument.Parse(await broker.ErrorLineAsync("\"event\":1105")).RootElement;

        Assert.Equal(("info", "Antiphon.Broker"), (line.GetProperty("level").GetString(), line.GetProperty("category").GetString()));
        Assert.True(line.GetProperty("time").TryGetDateTimeOffset(out _));
        Assert.StartsWith("Client «ann» connected from 127.0.0.1:", line.GetProperty("message").GetString(), StringComparison.Ordinal);
        Assert.Equal("ann", line.GetProperty("fields").GetProperty("clientId").GetString());
        Assert.False(line.GetProperty("fields").TryGetProperty("{OriginalFormat}", out _));
    }

    [Fact]
    public async Task For_the_journal_a_line_begins_with_its_priority()
    {
        await using var broker = _folder.Start(Config("""{ "format": "systemd" }"""));
        var port = await BrokerFolder.PortAsync(broker);
        await using var client = await BrokerFolder.ConnectAsync(port, options => options with { ClientId = "ann" });

        Assert.StartsWith("<6>Client «ann» connected", await broker.ErrorLineAsync("«ann» connected"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_level_changes_with_a_reload()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "There is no SIGHUP there.");
        await using var broker = _folder.Start(Config("""{ "level": "warning" }"""));
        var port = await BrokerFolder.PortAsync(broker);
        await using (await BrokerFolder.ConnectAsync(port, options => options with { ClientId = "unseen" }))
        {
        }

        _folder.Write("antiphon.json", Config("""{ "level": "info" }"""));
        await broker.HangUpAsync();
        await broker.ErrorLineAsync("Reloaded");
        await using var client = await BrokerFolder.ConnectAsync(port, options => options with { ClientId = "seen" });

        Assert.DoesNotContain("unseen", await broker.ErrorLineAsync("connected from"), StringComparison.Ordinal);
    }

    private static string Config(string log) => $$"""{ "listeners": [ { "url": "mqtt://127.0.0.1:0" } ], "log": {{log}} }""";
}
