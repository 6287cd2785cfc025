using System.CommandLine;
using Antiphon.Cli.CommandLine;
using Antiphon.Cli.Output;

namespace Antiphon.Cli.Brokers;

/// <summary><c>antiphon broker</c>: runs a broker until Ctrl-C.</summary>
internal static class BrokerCommand
{
    public const string Example = """
        antiphon broker --port 1883
        antiphon broker --port 0 --bind ::1
        antiphon broker --bind 127.0.0.1 --bind [::1]:1884 --log-level debug
        antiphon broker --bind 0.0.0.0 --password-file users
        antiphon broker --bind 0.0.0.0 --password-file users --cert server.pem --key server.key
        antiphon broker --bind 0.0.0.0 --allow-anonymous
        antiphon broker --max-connections 500 --max-qos 1 --max-queued 100 --queue-overflow oldest
        antiphon broker --config antiphon.json
        antiphon broker check antiphon.json
        """;

    public static Command Create(Terminal terminal, TimeProvider time, Action<Command, string> addExample)
    {
        var command = new Command(
            "broker", "Runs a broker until Ctrl-C or SIGTERM, which tells its clients (0x8B Server shutting down) before it closes.");
        var settings = new BrokerSettings(command);
        Add(CheckCommand.Create(terminal, time), CheckCommand.Example);
        Add(SchemaCommand.Create(terminal), SchemaCommand.Example);
        command.SetAction(async (line, interrupted) =>
        {
            await BrokerRun.RunAsync(settings.Read(line, time), terminal, time, interrupted);
            return (int)ExitCode.Success;
        });
        return command;

        void Add(Command subcommand, string example)
        {
            command.Subcommands.Add(subcommand);
            addExample(subcommand, example);
        }
    }
}
