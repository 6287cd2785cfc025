using System.Diagnostics.Metrics;
using System.Text;
using Antiphon.Server.Metrics;
using Antiphon.Server.Tests.Administration;
using Antiphon.Server.Tests.Peers;

namespace Antiphon.Server.Tests.Metrics;

public sealed class MetricsTests : IDisposable
{
    private readonly CertificateFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Figures_are_written_as_Prometheus_reads_them()
    {
        using var meter = new Meter("test");
        using var foreign = new Meter("test");
        foreign.CreateObservableCounter("not.ours", () => 1L);
        meter.CreateObservableCounter(
            "some.work",
            () => (Measurement<double>[])[
                new(1.5, new KeyValuePair<string, object?>("kind.of", "a \"b\"\\\n")),
                new(2, new KeyValuePair<string, object?>("kind.of", 3))],
            "s",
            "Work\\done.\n");
        meter.CreateObservableUpDownCounter("held", () => 7L, "By", "Held.");
        meter.CreateObservableGauge("held.bytes", () => 8, "By", "Held too.");
        meter.CreateCounter<long>("not.observable").Add(1);
        using var reader = new MeterReader([meter]);

        var text = Encoding.UTF8.GetString(reader.Read());

        Assert.Equal(
            """
            # HELP held_bytes Held.
            # TYPE held_bytes gauge
            held_bytes 7
            held_bytes 8
            # HELP some_work_seconds_total Work\\done.\n
            # TYPE some_work_seconds_total counter
            some_work_seconds_total{kind_of="a \"b\"\\\n"} 1.5
            some_work_seconds_total{kind_of="3"} 2

            """.ReplaceLineEndings("\n"),
            string.Concat(
                text.Split('\n')
                    .Where(line => !line.Contains("dotnet_", StringComparison.Ordinal))
                    .Select(line => $"{line}\n"))[..^1]);
        Assert.Contains("\n# TYPE dotnet_process_memory_working_set_bytes gauge\n", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Each_server_tells_its_own_figures_also_where_a_process_has_two()
    {
        await using var one = await StartAsync("one");
        await using var two = await StartAsync("two");
        await using var client = await Servers.ConnectAsync(one);

        Assert.Contains("antiphon_clients 1\n", await ReadAsync(one, "one"), StringComparison.Ordinal);
        Assert.Contains("antiphon_clients 0\n", await ReadAsync(two, "two"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Every_metric_of_ours_stands_in_the_page_of_operations()
    {
        await using var server = await StartAsync("one");
        var page = await File.ReadAllTextAsync(Path.Combine(Root(), "docs", "operations.md"), Servers.Ending);
        var names = (await ReadAsync(server, "one")).Split('\n')
            .Where(line => line.StartsWith("# TYPE antiphon_", StringComparison.Ordinal)).Select(line => line.Split(' ')[2]).ToList();

        Assert.True(names.Count > 20, $"Only {names.Count} metrics are there.");
        Assert.All(names, name => Assert.Contains($"| `{name}` |", page, StringComparison.Ordinal));
    }

    private static string Root()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "Antiphon.slnx")))
        {
            folder = folder.Parent!;
        }

        return folder.FullName;
    }

    private async Task<string> ReadAsync(ServerHost server, string name)
    {
        using var admin = new AdminClient(server, (await File.ReadAllTextAsync(_folder.PathOf(name), Servers.Ending)).Trim());
        return await admin.GetAsync("/metrics");
    }

    private Task<ServerHost> StartAsync(string name) => ServerHost.StartAsync(
        Servers.Options(Servers.Listener(ListenerProtocol.Mqtt)) with
        {
            Admin = new AdminOptions { Port = 0, TokenFile = _folder.PathOf(name) },
            Audit = new AuditOptions { File = _folder.PathOf($"{name}.audit") },
        },
        Servers.Ending);
}
