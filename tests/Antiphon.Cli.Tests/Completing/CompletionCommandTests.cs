using Antiphon.Tests.Running;

namespace Antiphon.Cli.Tests.Completing;

public sealed class CompletionCommandTests
{
    [Theory]
    [InlineData("bash", "-n")]
    [InlineData("zsh", "-n")]
    [InlineData("fish", "--no-execute")]
    public async Task The_shell_accepts_its_script(string shell, string checkOnly)
    {
        var found = Find(shell);
        Assert.SkipWhen(found is null, $"{shell} is not installed here.");
        var script = await Running.Cli.RunAsync("completion", shell);
        var file = Path.GetTempFileName();
        await File.WriteAllTextAsync(file, script.Output, TestContext.Current.CancellationToken);

        await using var run = ProgramRun.Start(found!, [checkOnly, file]);
        var end = await run.EndAsync();
        File.Delete(file);

        Assert.Equal((0, ""), (end.ExitCode, end.Errors));
        Assert.StartsWith("#", script.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("antiphon re", "reply request")]
    [InlineData("antiphon request device_1/relay_1 --res", "--response-topic")]
    [InlineData("antiphon request device_1/relay_1 --qos ", "0 1")]
    [InlineData("antiphon completion z", "zsh")]
    [InlineData("antiphon request device_1/relay_1 --file firm", "")]
    public async Task Bash_completes_what_is_begun(string line, string completions)
    {
        var bash = Find("bash");
        Assert.SkipWhen(bash is null, "bash is not installed here.");
        var script = await Running.Cli.RunAsync("completion", "bash");
        var words = string.Join(' ', line.Split(' ').Select(word => $"'{word}'"));

        // What bash sets before it calls the function that «complete» names.
        await using var run = ProgramRun.Start(bash!, ["-c", $$"""
            antiphon() { dotnet '{{Path.Combine(AppContext.BaseDirectory, "antiphon.dll")}}' "$@"; }
            {{script.Output}}
            COMP_LINE='{{line}}' COMP_POINT={{line.Length}} COMP_WORDS=({{words}}) COMP_CWORD={{line.Split(' ').Length - 1}}
            _antiphon
            echo "${COMPREPLY[*]}"
            """]);
        var end = await run.EndAsync();

        Assert.Equal((0, $"{completions}\n", ""), (end.ExitCode, end.Output, end.Errors));
    }

    [Fact]
    public async Task Another_shell_is_wrong_usage()
    {
        var end = await Running.Cli.RunAsync("completion", "tcsh");

        Assert.Equal((2, ""), (end.ExitCode, end.Output));
        Assert.Contains("There is no completion for «tcsh»; there is one for bash, zsh and fish.", end.Errors, StringComparison.Ordinal);
    }

    private static string? Find(string program) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
            .Select(folder => Path.Combine(folder, program))
            .FirstOrDefault(File.Exists);
}
