using System.CommandLine;
using Antiphon.Cli.CommandLine;
using Antiphon.Cli.Connecting;
using Antiphon.Cli.Output;
using Antiphon.Protocol;

namespace Antiphon.Cli.Loads;

/// <summary>One of the benches: its options, which all of them have, and the way through a run.</summary>
internal sealed class Bench
{
    private readonly Option<int?> _clients = Values.Count("--clients", "How many clients. [default: 1]", "-c");
    private readonly Option<int?> _concurrency = Values.Count(
        "--concurrency", "How many at the same time for each client; of bench sub, in all. [default: 1]");
    private readonly Option<TimeSpan?> _duration = Values.Duration("--duration", "For how long: 500ms, 10s, 1m. [default: 5s]");
    private readonly Option<int?> _size = Values.Count("--size", "Bytes of each payload. [default: 64]");
    private readonly Option<QualityOfService?> _qos = Values.QoS("The QoS of each message.");
    private readonly Option<bool> _json = new("--json") { Description = "Prints the summary as a line of JSON." };
    private readonly ConnectionOptions _connection;
    private readonly string _unit;
    private readonly Terminal _terminal;
    private readonly TimeProvider _time;

    public Bench(string name, string description, string unit, Terminal terminal, TimeProvider time)
    {
        _unit = unit;
        _terminal = terminal;
        _time = time;
        Command = new Command(name, description);
        Command.Options.Add(_clients);
        Command.Options.Add(_concurrency);
        Command.Options.Add(_duration);
        Command.Options.Add(_size);
        Command.Options.Add(_qos);
        Command.Options.Add(_json);
        _connection = new ConnectionOptions(Command, terminal)
        {
            NeedsVersion5 = name == "request" ? "Requests and responses need" : null,
        };
    }

    public Command Command { get; }

    /// <summary>Prepares, loads, prints.</summary>
    /// <param name="line">The command line.</param>
    /// <param name="prepare">Connects what is needed and returns what each worker does again and again.</param>
    /// <param name="interrupted">Ends it early; what was done until then is printed.</param>
    public async Task<int> RunAsync(
        ParseResult line,
        Func<BenchRun, CancellationToken, Task<Func<int, CancellationToken, Task>>> prepare,
        CancellationToken interrupted)
    {
        // Each client has a random Client Identifier: one for all of them would have them throw each other out.
        var options = await _connection.ReadAsync(line, interrupted) with { ClientId = null };
        await using var run = new BenchRun(_connection)
        {
            Options = options,
            Clients = line.GetValue(_clients) ?? 1,
            Concurrency = line.GetValue(_concurrency) ?? 1,
            Size = line.GetValue(_size) ?? 64,
            QoS = line.GetValue(_qos) ?? QualityOfService.AtLeastOnce,
            Load = new Load(_terminal, _time),
            Time = _time,
        };
        var operation = await prepare(run, interrupted);
        var workers = Command.Name == "sub" ? run.Concurrency : run.Clients * run.Concurrency;
        var (elapsed, exitCode) = await run.Load.RunAsync(
            workers, line.GetValue(_duration) ?? TimeSpan.FromSeconds(5), operation, interrupted);
        var result = LoadResult.From(Command.Name, run.Clients, run.Concurrency, elapsed, run.Load.Times, run.Load.Failures);
        if (line.GetValue(_json))
        {
            _terminal.Json(result, JsonLines.Instance.LoadResult);
        }
        else
        {
            _terminal.Data(result.Describe(_unit));
        }

        return (int)exitCode;
    }
}
