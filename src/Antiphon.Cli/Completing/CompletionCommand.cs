using System.CommandLine;
using Antiphon.Cli.CommandLine;
using Antiphon.Cli.Output;

namespace Antiphon.Cli.Completing;

/// <summary><c>antiphon completion</c>: prints what makes Tab work in a shell.</summary>
internal static class CompletionCommand
{
    public const string Example = """
        antiphon completion bash > ~/.local/share/bash-completion/completions/antiphon
        antiphon completion zsh > "${fpath[1]}/_antiphon"
        antiphon completion fish > ~/.config/fish/completions/antiphon.fish
        """;

    public static Command Create(Terminal terminal)
    {
        var command = new Command("completion", "Prints a script that lets Tab complete the commands and options of antiphon in a shell.");
        var shell = new Argument<string>("SHELL") { Description = "The shell: bash, zsh or fish." };
        shell.CompletionSources.Add("bash", "zsh", "fish");
        shell.Validators.Add(result =>
        {
            if (result.Tokens is [{ Value: var name }] && ScriptOf(name) is null)
            {
                result.AddError($"There is no completion for «{name}»; there is one for bash, zsh and fish.");
            }
        });
        command.Arguments.Add(shell);
        command.SetAction(line =>
        {
            terminal.Data(ScriptOf(line.GetRequiredValue(shell))!);
            return (int)ExitCode.Success;
        });
        return command;
    }

    private static string? ScriptOf(string shell) => shell switch
    {
        "bash" => CompletionScript.Bash,
        "zsh" => CompletionScript.Zsh,
        "fish" => CompletionScript.Fish,
        _ => null,
    };
}
