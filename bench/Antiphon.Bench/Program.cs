using System.CommandLine;
using System.Globalization;
using System.Runtime.InteropServices;
using Antiphon.Bench;
using Antiphon.Bench.Brokers;
using Antiphon.Bench.Results;
using Antiphon.Bench.Scenarios;

var quick = new Option<bool>("--quick")
{
    Description = "About a minute: five scenarios, once each. For a first look; the numbers scatter.",
};
var scenario = new Option<string[]>("--scenario")
{
    Description = "Only scenarios whose name begins so; repeatable. All: " + string.Join(", ", Scenario.All.Select(all => all.Name)) + ".",
    HelpName = "NAME",
};
var repeat = new Option<int?>("--repeat") { Description = "Repetitions of each measurement; 3, with --quick 1.", HelpName = "N" };
var seconds = new Option<double?>("--seconds") { Description = "Seconds of one measurement; 3, with --quick 1.5.", HelpName = "S" };
var warmUp = new Option<double?>("--warm-up")
{
    Description =
        "Seconds of warm-up before a broker's first measurement in a scenario; 4, with --quick 2. It lasts 20,000 round trips at least.",
    HelpName = "S",
};
var peer = new Option<string[]>("--peer")
{
    Description =
        "Another broker, as name=command; {port} in the command stands for the port on 127.0.0.1 that it is to listen on, "
        + "without asking clients who they are. Repeatable.",
    HelpName = "NAME=COMMAND",
};
var without = new Option<string[]>("--without") { Description = "Leaves out relay, antiphon or mosquitto; repeatable.", HelpName = "NAME" };
var responseInformation = new Option<bool>("--response-information")
{
    Description = "Requesters use a response topic that the broker gives them, where it gives any (MQTT 5 §3.2.2.3.15).",
};
var brokerCore = new Option<int?>("--broker-cpu") { Description = "The processor for the brokers; 0.", HelpName = "N" };
var loadCore = new Option<int?>("--load-cpu")
{
    Description = "The processor for the load generator; the first on another core.",
    HelpName = "N",
};
var output = new Option<string?>("--output") { Description = "The folder for the results; bench/results.", HelpName = "FOLDER" };

var command = new RootCommand("Measures Antiphon's broker beside a raw relay, mosquitto and others: CPU per round trip, latency, memory.")
{
    quick, scenario, repeat, seconds, warmUp, peer, without, responseInformation, brokerCore, loadCore, output,
};
command.SetAction(Run);
return command.Parse(args).Invoke();

int Run(ParseResult line)
{
    var interrupted = false;
    using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Interrupt);
    using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Interrupt);
    using var hangUp = PosixSignalRegistration.Create(PosixSignal.SIGHUP, Interrupt);
    try
    {
        var isQuick = line.GetValue(quick);
        var settings = new Settings
        {
            Brokers = Brokers(line),
            Scenarios = Scenarios(line.GetValue(scenario) ?? [], isQuick),
            Cores = Cores.Take(line.GetValue(brokerCore), line.GetValue(loadCore)),
            Repeat = line.GetValue(repeat) ?? (isQuick ? 1 : 3),
            Duration = TimeSpan.FromSeconds(line.GetValue(seconds) ?? (isQuick ? 1.5 : 3)),
            WarmUp = TimeSpan.FromSeconds(line.GetValue(warmUp) ?? (isQuick ? 2 : 4)),
            ResponseInformation = line.GetValue(responseInformation),
            Interrupted = () => Volatile.Read(ref interrupted),
        };
        var tables = settings.Scenarios.Select(one => (one, Series.Run(one, settings, Console.Error.WriteLine))).ToArray();
        var report = new Report(
            Environment.GetEnvironmentVariable("BENCH_COMMIT") ?? "unknown",
            CommandLine(),
            TimeProvider.System.GetUtcNow(),
            settings,
            tables);
        Write(report, line.GetValue(output) ?? "results");
        return tables.Any(table => table.Item2.Any(row => row.Failure is not null && table.one.Kind != Kind.Idle)) ? 1 : 0;
    }
    catch (BenchException failure)
    {
        Console.Error.WriteLine(failure.Message);
        return 1;
    }
    catch (OperationCanceledException)
    {
        Console.Error.WriteLine("Interrupted; every broker that was started has been ended.");
        return 130;
    }

    void Interrupt(PosixSignalContext context)
    {
        context.Cancel = true;
        Volatile.Write(ref interrupted, true);
    }
}

List<BrokerSpec> Brokers(ParseResult line)
{
    var brokers = new List<BrokerSpec>
    {
        new(BrokerSpec.RelayName, Command("BENCH_RELAY"), IsRelay: true),
        new("antiphon", Command("BENCH_ANTIPHON")),
        BrokerSpec.Mosquitto,
    };
    brokers.RemoveAll(broker => (line.GetValue(without) ?? []).Contains(broker.Name));
    foreach (var text in line.GetValue(peer) ?? [])
    {
        var equals = text.IndexOf('=', StringComparison.Ordinal);
        if (equals < 1 || !text.Contains("{port}", StringComparison.Ordinal))
        {
            throw new BenchException($"--peer «{text}» is not name=command with {{port}} in the command.");
        }

        brokers.Add(new BrokerSpec(text[..equals], text[(equals + 1)..]));
    }

    return brokers;

    static string Command(string variable) => Environment.GetEnvironmentVariable(variable)
        ?? throw new BenchException($"{variable} is not set: start the bench with ./bench/run, which builds the brokers first.");
}

static Scenario[] Scenarios(string[] names, bool isQuick)
{
    var unknown = names.Where(name => !Scenario.All.Any(one => one.Name.StartsWith(name, StringComparison.Ordinal))).ToArray();
    if (unknown.Length > 0)
    {
        throw new BenchException(
            $"There is no scenario {string.Join(", ", unknown)}. There are {string.Join(", ", Scenario.All.Select(one => one.Name))}.");
    }

    return [.. Scenario.All.Where(one => names.Length > 0 ? names.Any(name => IsNamed(one, name)) : !isQuick || one.IsQuick)];

    static bool IsNamed(Scenario one, string name) => one.Name.StartsWith(name, StringComparison.Ordinal);
}

string CommandLine()
{
    // A peer's command may hold a path of this machine, and so may the output's folder: the results name neither.
    var words = new List<string> { "./bench/run" };
    for (var i = 0; i < args.Length; i++)
    {
        words.Add(args[i]);
        if (args[i] is "--peer" or "--output" && i + 1 < args.Length)
        {
            words.Add(args[i] == "--peer" ? args[i + 1].Split('=')[0] + "=…" : "…");
            i++;
        }
    }

    return string.Join(' ', words);
}

static void Write(Report report, string folder)
{
    Directory.CreateDirectory(folder);
    var name = Path.Combine(
        folder, report.At.ToString("yyyyMMdd-HHmmss", CultureInfo.InvariantCulture) + "-" + report.Commit.Replace(' ', '-'));
    var markdown = report.ToMarkdown();
    File.WriteAllText(name + ".md", markdown);
    File.WriteAllText(name + ".json", report.ToJson());
    Console.Write(markdown);
    Console.Error.WriteLine($"Written: {name}.md and .json");
}
