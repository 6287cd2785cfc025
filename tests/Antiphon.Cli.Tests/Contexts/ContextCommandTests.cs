using System.Globalization;
using Antiphon.Tests.Running;

namespace Antiphon.Cli.Tests.Contexts;

public sealed class ContextCommandTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("antiphon-context-");

    private string ContextsFile => Path.Combine(_folder.FullName, "antiphon", "contexts.json");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task A_selected_context_says_where_the_broker_is_and_the_command_line_goes_before_it()
    {
        SkipOnWindows();
        await using var broker = Running.Cli.StartBroker();
        await using var other = Running.Cli.StartBroker();
        Assert.Equal(
            "Context «here» is saved. Use it with --context here, or always: antiphon context select here\n",
            (await RunAsync("context", "add", "here", "--host", "127.0.0.1", "--port", Text(broker.Port), "--username", "ann")).Errors);
        Assert.Equal("Context «here» is selected.\n", (await RunAsync("context", "select", "here")).Errors);

        var selected = await RunAsync("pub", "a", "1", "--retain");
        var elsewhere = await RunAsync("pub", "a", "2", "--retain", "--port", Text(other.Port));
        var named = await RunAsync(["pub", "a", "3", "--retain", .. Running.Cli.At(other.Port)]);

        Assert.All([selected, elsewhere, named], end => Assert.Equal(0, end.ExitCode));
        Assert.Equal("1\n", (await RunAsync("sub", "a", "--count", "1")).Output);
        Assert.Equal("3\n", (await RunAsync("sub", "a", "--count", "1", "--port", Text(other.Port))).Output);
    }

    [Fact]
    public async Task Contexts_are_listed_shown_and_removed()
    {
        SkipOnWindows();
        await RunAsync("context", "add", "work", "--host", "10.0.0.7", "--port", "1884", "--insecure");
        await RunAsync(
            "context", "add", "home", "--url", "mqtts://broker.example", "--username", "ann", "--password-file", "/secret/file",
            "--alpn", "mqtt", "--alpn", "x");
        await RunAsync("context", "select", "home");

        Assert.Equal("* home  mqtts://broker.example\n  work  10.0.0.7:1884\n", (await RunAsync("context", "list")).Output);
        Assert.Equal(
            ["--alpn=mqtt", "--alpn=x", "--password-file=/secret/file", "--url=mqtts://broker.example", "--username=ann"],
            (await RunAsync("context", "show", "home")).Lines);
        Assert.Equal("Context «home» is removed.\n", (await RunAsync("context", "remove", "home")).Errors);
        Assert.Equal("  work  10.0.0.7:1884\n", (await RunAsync("context", "list")).Output);
        Assert.Equal(["--host=10.0.0.7", "--insecure", "--port=1884"], (await RunAsync("context", "show", "work")).Lines);
        var gone = await RunAsync("pub", "a", "--context", "home");
        Assert.Equal((2, "There is no context «home»; there is work.\n"), (gone.ExitCode, gone.Errors));
    }

    [Fact]
    public async Task Nobody_else_may_read_them_and_eight_at_once_keep_all_eight()
    {
        SkipOnWindows();

        await Task.WhenAll(Enumerable.Range(1, 8).Select(i => RunAsync("context", "add", $"c{i}", "--host", $"h{i}")));

        Assert.Equal(8, (await RunAsync("context", "list")).Lines.Length);
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(ContextsFile));
        }

        Assert.Single(Directory.GetFiles(Path.GetDirectoryName(ContextsFile)!));
    }

    [Fact]
    public async Task A_file_that_is_none_is_named_and_left_as_it_is()
    {
        SkipOnWindows();
        Directory.CreateDirectory(Path.GetDirectoryName(ContextsFile)!);
        await File.WriteAllTextAsync(ContextsFile, "{", TestContext.Current.CancellationToken);

        string[][] commands = [["pub", "a"], ["context", "list"], ["context", "add", "a", "--host", "b"]];
        foreach (var command in commands)
        {
            var end = await RunAsync(command);
            Assert.Equal(2, end.ExitCode);
            Assert.Contains($"The file of contexts «{ContextsFile}» is not one: ", end.Errors, StringComparison.Ordinal);
        }

        Assert.Equal("{", await File.ReadAllTextAsync(ContextsFile, TestContext.Current.CancellationToken));
    }

    private static void SkipOnWindows() => Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no XDG_CONFIG_HOME.");

    private static string Text(int port) => port.ToString(CultureInfo.InvariantCulture);

    private async Task<Ending> RunAsync(params string[] arguments)
    {
        await using var run = ProgramRun.StartBuilt(
            "antiphon", arguments, environment: new Dictionary<string, string> { ["XDG_CONFIG_HOME"] = _folder.FullName });
        return await run.EndAsync();
    }
}
