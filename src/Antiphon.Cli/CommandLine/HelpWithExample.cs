using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace Antiphon.Cli.CommandLine;

/// <summary>The usual help of a command, and behind it lines that can be copied into a shell.</summary>
internal sealed class HelpWithExample(HelpAction help, IReadOnlyDictionary<Command, string> examples) : SynchronousCommandLineAction
{
    // Asking for help is never an error, whatever else the line says.
    public override bool ClearsParseErrors => true;

    public override int Invoke(ParseResult parseResult)
    {
        help.Invoke(parseResult);
        var output = parseResult.InvocationConfiguration.Output;
        output.WriteLine("Example:");
        foreach (var line in examples[parseResult.CommandResult.Command].Split('\n'))
        {
            output.WriteLine($"  {line}");
        }

        output.WriteLine();
        return 0;
    }
}
