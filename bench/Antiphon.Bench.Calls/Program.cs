using System.CommandLine;
using System.Globalization;
using System.Runtime.InteropServices;
using Antiphon.Bench.Calls;
using Antiphon.Bench.Calls.Conducting;
using Antiphon.Bench.Calls.Results;
using Antiphon.Bench.Calls.Roles;

if (args is [Role.Word, .. var words])
{
    return Role.Run(words);
}

var quick = new Option<bool>("--quick") { Description = "About four minutes: short runs, once each, for a first look; they scatter." };
var only = new Option<string[]>("--only")
{
    Description = "Only peers whose name begins so; repeatable. "
        + "All: antiphon, echo, echo-hop, nats, mqttnet, mqttnet-antiphon, mqttnet-mosquitto, grpc.",
    HelpName = "NAME",
};
var scenario = new Option<string[]>("--scenario")
{
    Description = $"Only scenarios whose name begins so; repeatable. All: {string.Join(", ", CallScenario.All.Select(all => all.Name))}.",
    HelpName = "NAME",
};
var repeat = new Option<int?>("--repeat") { Description = "Repetitions of each measurement; 3, with --quick 1.", HelpName = "N" };
var seconds = new Option<double?>("--seconds")
{
    Description = "Seconds of one measurement, 0.1 to 3,600; 5, with --quick 2.",
    HelpName = "S",
};
var warmUp = new Option<double?>("--warm-up")
{
    Description = "Seconds of warm-up before a peer's first measurement in a scenario, 0 to 3,600; 10, with --quick 2.",
    HelpName = "S",
};
var compare = new Option<string[]>("--compare")
{
    Description = "Another checkout, whose built programs take part as antiphon (NAME), echo (NAME) and echo-hop (NAME); "
        + "NAME is the folder's unless given. Repeatable.",
    HelpName = "[NAME=]FOLDER",
};
var output = new Option<string?>("--output") { Description = "The folder for the results; bench/results.", HelpName = "FOLDER" };

const double Longest = 3600;
const string Summary = "Measures calls, with requester, broker and responder as three processes: CPU, bytes allocated, latency.";
var command = new RootCommand(Summary)
{
    quick, only, scenario, repeat, seconds, warmUp, compare, output,
};
command.SetAction(RunAsync);
var line = command.Parse(args);
return line.Errors.Count == 0 ? await line.InvokeAsync() : Refuse(line.Errors.Select(error => error.Message));

async Task<int> RunAsync(ParseResult line, CancellationToken cancellationToken)
{
    using var interrupt = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
    using var hangUp = PosixSignalRegistration.Create(PosixSignal.SIGHUP, context =>
    {
        context.Cancel = true;
        interrupt.Cancel();
    });
    if (Environment.GetEnvironmentVariable("BENCH_ANTIPHON") is not { } antiphon)
    {
        return Refuse(["BENCH_ANTIPHON is not set: start the bench with ./bench/run calls, which builds what it needs first."]);
    }

    var mistakes = new List<string>();
    var others = Others(line.GetValue(compare) ?? [], mistakes);
    var isQuick = line.GetValue(quick);
    var settings = new CallSettings
    {
        Peers = Chosen(CallPeer.All(antiphon, others), peer => peer.Name, line.GetValue(only), "peer", mistakes),
        Scenarios = Chosen(CallScenario.All, one => one.Name, line.GetValue(scenario), "scenario", mistakes),
        Repeat = line.GetValue(repeat) ?? (isQuick ? 1 : 3),
        Duration = Seconds(line.GetValue(seconds) ?? (isQuick ? 2 : 5)),
        WarmUp = Seconds(line.GetValue(warmUp) ?? (isQuick ? 2 : 10)),
    };
    Require(settings.Repeat >= 1, $"--repeat {settings.Repeat}: it has to be 1 or more.");
    Require(settings.Duration.TotalSeconds is >= 0.1 and <= Longest, $"--seconds {line.GetValue(seconds)}: it has to be 0.1 to 3600.");
    Require(settings.WarmUp.TotalSeconds is >= 0 and <= Longest, $"--warm-up {line.GetValue(warmUp)}: it has to be 0 to 3600.");
    if (mistakes.Count > 0)
    {
        return Refuse(mistakes);
    }

    void Require(bool holds, string otherwise)
    {
        if (!holds)
        {
            mistakes.Add(otherwise);
        }
    }

    try
    {
        foreach (var missing in settings.Peers.Where(peer => peer.Obstacle is not null))
        {
            Console.Error.WriteLine($"{missing.Name} is left out: {missing.Obstacle}.");
        }

        var tables = new List<(CallScenario, IReadOnlyList<CallRow>)>();
        foreach (var one in settings.Scenarios)
        {
            tables.Add((one, await CallSeries.RunAsync(one, settings, Console.Error.WriteLine, interrupt.Token)));
        }

        var commit = Environment.GetEnvironmentVariable("BENCH_COMMIT") ?? "unknown";
        Write(new CallReport(commit, CommandLine(), TimeProvider.System.GetUtcNow(), settings, tables), line.GetValue(output) ?? "results");
        return tables.Any(table => table.Item2.Any(row => row.Failure is not null && row.Peer.Obstacle is null)) ? 1 : 0;
    }
    catch (OperationCanceledException)
    {
        Console.Error.WriteLine("Interrupted; every process that was started has been ended.");
        return 130;
    }
}

// What no TimeSpan can hold is as wrong as any other number that is out of range.
static TimeSpan Seconds(double seconds) => seconds is >= -1 and <= 2 * Longest ? TimeSpan.FromSeconds(seconds) : TimeSpan.FromSeconds(-1);

static int Refuse(IEnumerable<string> mistakes)
{
    foreach (var mistake in mistakes)
    {
        Console.Error.WriteLine(mistake);
    }

    Console.Error.WriteLine("What there is: ./bench/run calls --help");
    return 2;
}

static IReadOnlyList<T> Chosen<T>(IReadOnlyList<T> all, Func<T, string> nameOf, string[]? beginnings, string what, List<string> mistakes)
{
    if (beginnings is not { Length: > 0 })
    {
        return all;
    }

    mistakes.AddRange(beginnings
        .Where(beginning => !all.Any(one => Begins(one, beginning)))
        .Select(unknown => $"There is no {what} {unknown}. There are {string.Join(", ", all.Select(nameOf))}."));
    return [.. all.Where(one => beginnings.Any(beginning => Begins(one, beginning)))];

    bool Begins(T one, string beginning) => nameOf(one).StartsWith(beginning, StringComparison.Ordinal);
}

static List<(string Name, string Folder)> Others(string[] texts, List<string> mistakes)
{
    var others = new List<(string Name, string Folder)>();
    foreach (var text in texts)
    {
        var equals = text.IndexOf('=', StringComparison.Ordinal);
        var from = Environment.GetEnvironmentVariable("BENCH_FROM") ?? Environment.CurrentDirectory;
        var folder = Path.GetFullPath(text[(equals + 1)..], from).TrimEnd('/');
        var name = equals > 0 ? text[..equals] : Path.GetFileName(folder);
        if (others.Any(other => other.Name == name))
        {
            mistakes.Add($"--compare {text}: there is a {name} already; give it another name with --compare NAME={folder}.");
        }

        var needed = (string[])[CallPeer.ProgramOf(folder), CallPeer.ToolOf(folder)];
        mistakes.AddRange(needed
            .Where(file => !File.Exists(file))
            .Select(missing => $"--compare {text}: {missing} is missing. Build that checkout with -c Release."));

        others.Add((name, folder));
    }

    return others;
}

string CommandLine()
{
    // Folders are of this machine: the results name none.
    var words = new List<string> { "./bench/run calls" };
    for (var i = 0; i < args.Length; i++)
    {
        words.Add(args[i]);
        if (args[i] is "--compare" or "--output" && i + 1 < args.Length)
        {
            i++;
            words.Add(args[i].IndexOf('=', StringComparison.Ordinal) is > 0 and var equals ? args[i][..equals] + "=…" : "…");
        }
    }

    return string.Join(' ', words);
}

static void Write(CallReport report, string folder)
{
    Directory.CreateDirectory(folder);
    var name = Path.Combine(folder, report.At.ToString("yyyyMMdd-HHmmss", CultureInfo.InvariantCulture) + "-" + report.Commit + "-calls");
    var markdown = report.ToMarkdown();
    File.WriteAllText(name + ".md", markdown);
    File.WriteAllText(name + ".json", report.ToJson());
    Console.Write(markdown);
    Console.Error.WriteLine($"Written: {name}.md and .json");
}
