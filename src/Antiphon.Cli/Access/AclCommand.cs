using System.CommandLine;
using Antiphon.Cli.Output;

namespace Antiphon.Cli.Access;

/// <summary><c>antiphon acl</c>: answers questions about access rules.</summary>
internal static class AclCommand
{
    public const string Example = """
        antiphon acl test --config antiphon.json --user ann --client-id c1 --request devices/d1/relay
        """;

    public static Command Create(Terminal terminal, TimeProvider time, Action<Command, string> addExample)
    {
        var command = new Command("acl", "Answers questions about the access rules of a configuration file.");
        var test = AclTestCommand.Create(terminal, time);
        command.Subcommands.Add(test);
        addExample(test, AclTestCommand.Example);
        return command;
    }
}
