using System.CommandLine;
using System.Text;
using Antiphon.Cli.CommandLine;
using Antiphon.Cli.Output;
using Antiphon.Server.Configuration;

namespace Antiphon.Cli.Brokers;

/// <summary><c>antiphon broker schema</c>: prints what a configuration file may say, for editors.</summary>
internal static class SchemaCommand
{
    public const string Example = """
        antiphon broker schema > antiphon.schema.json
        """;

    public static Command Create(Terminal terminal)
    {
        var command = new Command(
            "schema",
            "Prints the JSON schema of configuration files: every setting, its kind, bounds and default. "
            + "An editor goes by it where the file says \"$schema\": \"antiphon.schema.json\".");
        command.SetAction(_ =>
        {
            terminal.Raw(Encoding.UTF8.GetBytes(ConfigurationSchema.Text));
            return (int)ExitCode.Success;
        });
        return command;
    }
}
