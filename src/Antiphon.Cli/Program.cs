using Antiphon.Cli.CommandLine;
using Antiphon.Cli.Output;

try
{
    using var interruption = new Interruption();
    var terminal = new Terminal();
    return (int)await CommandTree.RunAsync(args, terminal, TimeProvider.System, interruption.Token);
}
catch (Exception failure)
{
    LastWords.Say(failure);
    return (int)ExitCode.Other;
}
