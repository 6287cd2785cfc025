using System.CommandLine;
using Antiphon.Cli.CommandLine;
using Antiphon.Cli.Output;

namespace Antiphon.Cli.Demo;

/// <summary><c>antiphon demo</c>: everything at once in one process, in a few seconds.</summary>
internal static class DemoCommand
{
    public const string Example = """
        antiphon demo
        """;

    public static Command Create(Terminal terminal, TimeProvider time)
    {
        var command = new Command(
            "demo",
            "Starts a broker, a simulated device with a 3.3 V relay and its controller, "
            + "and shows every packet of their requests and responses.");
        command.SetAction(async (_, interrupted) =>
        {
            await using var stage = await Stage.SetAsync(time, interrupted);
            await new Performance(stage, new Page(terminal), time).RunAsync(interrupted);
            return (int)ExitCode.Success;
        });
        return command;
    }
}
