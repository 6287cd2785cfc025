using System.CommandLine;
using System.Globalization;
using System.Net.Sockets;
using System.Runtime.Versioning;
using System.Security.Authentication;
using Antiphon.Bench;
using Antiphon.Bench.Brokers;
using Antiphon.Bench.Public;
using Antiphon.Bench.Public.Results;
using Antiphon.Bench.Public.Strangers;
using Antiphon.Bench.Public.Tls;
using Antiphon.Bench.Results;
using Antiphon.Bench.Scenarios;

[assembly: SupportedOSPlatform("linux")]

const int HalfOpen = 10_000;
var what = new Option<string[]>("--only") { Description = "Only one of the parts: tls, strangers.", HelpName = "PART" };
var repeat = new Option<int>("--repeat") { Description = "Repetitions of each measurement.", HelpName = "N", DefaultValueFactory = _ => 3 };
var seconds = new Option<double>("--seconds") { Description = "Seconds of one measurement.", HelpName = "S", DefaultValueFactory = _ => 2 };
var warmUp = new Option<double>("--warm-up")
{
    Description = "Seconds of warm-up before a broker's first measurement.",
    HelpName = "S",
    DefaultValueFactory = _ => 3,
};
var output = new Option<string>("--output")
{
    Description = "The folder for the results.",
    HelpName = "FOLDER",
    DefaultValueFactory = _ => "results",
};
what.AcceptOnlyFromAmong("tls", "strangers");
var command = new RootCommand("Measures brokers on a public address: round trips over TLS, and a pair of clients beside strangers.")
{
    what, repeat, seconds, warmUp, output,
};
command.SetAction(RunAsync);
return await command.Parse(args).InvokeAsync();

async Task<int> RunAsync(ParseResult line, CancellationToken interrupted)
{
    try
    {
        var settings = new PublicSettings
        {
            Repeat = line.GetValue(repeat),
            Duration = TimeSpan.FromSeconds(line.GetValue(seconds)),
            WarmUp = TimeSpan.FromSeconds(line.GetValue(warmUp)),
            Interrupted = interrupted,
        };
        var antiphon = Environment.GetEnvironmentVariable("BENCH_ANTIPHON")
            ?? throw new BenchException("BENCH_ANTIPHON is not set: start the bench with ./bench/run public, which builds what it needs.");
        var cores = Cores.Take(null, null);
        var parts = line.GetValue(what) is { Length: > 0 } some ? some : ["tls", "strangers"];
        var tls = parts.Contains("tls") ? await TlsAsync(antiphon, cores, settings) : [];
        var strangers = parts.Contains("strangers") ? await StrangersAsync(antiphon, cores, settings) : [];
        var commit = Environment.GetEnvironmentVariable("BENCH_COMMIT") ?? "unknown";
        var words = string.Join(' ', ["./bench/run public", .. args.TakeWhile(word => word != "--output")]);
        Write(new PublicReport(commit, words, TimeProvider.System.GetUtcNow(), cores, settings, tls, strangers), line.GetValue(output)!);
        return 0;
    }
    catch (Exception failure) when (failure is BenchException or IOException or SocketException or AuthenticationException)
    {
        Console.Error.WriteLine(failure.Message);
        return 1;
    }
    catch (OperationCanceledException)
    {
        Console.Error.WriteLine("Interrupted; every broker that was started has been ended.");
        return 130;
    }
}

static async Task<IReadOnlyList<TlsRow>> TlsAsync(string antiphon, Cores cores, PublicSettings settings)
{
    using var certificate = new BenchCertificate();
    var (file, key) = (certificate.CertificateFile, certificate.KeyFile);
    (BrokerSpec Spec, bool IsEncrypted)[] brokers =
    [
        (new BrokerSpec("antiphon", $"{antiphon} --cert '{file}' --key '{key}'"), true),
        (BrokerSpec.Mosquitto with { Config = $"{BrokerSpec.Mosquitto.Config}certfile {file}\nkeyfile {key}\n" }, true),
        (new BrokerSpec("antiphon, TCP", antiphon), false),
        (BrokerSpec.Mosquitto with { Name = "mosquitto, TCP" }, false),
    ];
    var rows = new List<TlsRow>();
    foreach (var (senders, receivers, window) in ((int, int, int)[])[(1, 1, 1), (16, 4, 1), (16, 4, 32)])
    {
        foreach (var quality in (int[])[0, 1])
        {
            var name = string.Create(CultureInfo.InvariantCulture, $"tls-{senders}x{receivers}-w{window}-qos{quality}");
            var scenario = new Scenario(name, Kind.RoundTrips, senders, receivers, window, 64, false, quality);
            rows.AddRange(await ScenarioAsync(scenario));
        }
    }

    return rows;

    async Task<IEnumerable<TlsRow>> ScenarioAsync(Scenario scenario)
    {
        var each = new List<(BrokerProcess Broker, TlsRun Run, TlsRow Row)>();
        try
        {
            foreach (var (spec, isEncrypted) in brokers)
            {
                var broker = BrokerProcess.Start(spec, cores, () => settings.Interrupted.IsCancellationRequested);
                var run = new TlsRun(scenario, broker, isEncrypted ? certificate.Certificate : null, settings);
                each.Add((broker, run, new TlsRow(scenario.Name, spec.Name, isEncrypted)));
            }

            for (var i = 0; i < settings.Repeat; i++)
            {
                foreach (var (_, run, row) in each)
                {
                    row.Runs.Add(await run.MeasureAsync());
                    row.Agreed = run.Agreed;
                    var cpu = Spread.Short(row.Runs[^1].BrokerMicroseconds);
                    Console.Error.WriteLine($"{scenario.Name}  {row.Broker}: {cpu} µs, {Spread.Short(row.Runs[^1].PerSecond)}/s");
                }
            }
        }
        finally
        {
            each.ForEach(one => one.Broker.Dispose());
        }

        return each.Select(one => one.Row);
    }
}

static async Task<IReadOnlyList<StrangersRow>> StrangersAsync(string antiphon, Cores cores, PublicSettings settings)
{
    if (IdleRun.Obstacle(new Scenario("strangers", Kind.Idle, HalfOpen, 0, 0, 0, false, 0)) is { } obstacle)
    {
        throw new BenchException(obstacle);
    }

    var patient = $"{antiphon} --set limits.pendingConnections={2 * HalfOpen} --set limits.connectTimeout=3600";
    return
    [
        await RunAsync("antiphon, all of them stand", new BrokerSpec("antiphon", patient), false),
        await RunAsync("antiphon, default limits, 1,000 a second come", new BrokerSpec("antiphon", antiphon), true),
        await RunAsync("mosquitto, all of them stand", BrokerSpec.Mosquitto, false),
    ];

    Task<StrangersRow> RunAsync(string name, BrokerSpec spec, bool come) =>
        StrangersRun.RunAsync(name, spec, cores, settings, HalfOpen, come, Console.Error.WriteLine);
}

static void Write(PublicReport report, string folder)
{
    Directory.CreateDirectory(folder);
    var name = Path.Combine(folder, report.At.ToString("yyyyMMdd-HHmmss", CultureInfo.InvariantCulture) + "-" + report.Commit + "-public");
    var markdown = report.ToMarkdown();
    File.WriteAllText(name + ".md", markdown);
    File.WriteAllText(name + ".json", report.ToJson());
    Console.Write(markdown);
    Console.Error.WriteLine($"Written: {name}.md and .json");
}
