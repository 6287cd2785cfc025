using System.CommandLine;
using Antiphon.Cli.CommandLine;
using Antiphon.Cli.Output;
using Antiphon.Server.Configuration;

namespace Antiphon.Cli.Brokers;

/// <summary><c>antiphon broker check</c>: says everything that is wrong with a configuration file, and starts nothing.</summary>
internal static class CheckCommand
{
    public const string Example = """
        antiphon broker check antiphon.json
        antiphon broker check antiphon.json --set limits.connections=1000
        """;

    public static Command Create(Terminal terminal, TimeProvider time)
    {
        var command = new Command(
            "check",
            "Prints every mistake in a configuration file and in the files that it names, each with its line and column, "
            + "and ends with 2 if there is one; warnings alone end with 0. Variables such as ANTIPHON__LIMITS__CONNECTIONS count as well.");
        var file = new Argument<FileInfo>("FILE") { Description = "The configuration file." };
        var set = BrokerSettings.CreateSet();
        command.Arguments.Add(file);
        command.Options.Add(set);
        command.SetAction(line =>
        {
            var path = line.GetRequiredValue(file);
            var reading = new ConfigurationFile(path.ToString(), BrokerSettings.ReadEnvironment(), line.GetValue(set) ?? [], time).Read();
            foreach (var mistake in reading.Mistakes)
            {
                terminal.Data(mistake.ToString());
            }

            if (reading.Options is null)
            {
                return (int)ExitCode.Usage;
            }

            terminal.Note($"«{path}» can be used.");
            return (int)ExitCode.Success;
        });
        return command;
    }
}
