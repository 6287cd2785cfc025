using Antiphon.Tests.Running;

namespace Antiphon.Cli.Tests.Running;

/// <summary>The built program within a line of a shell, which can close its streams and put pipes behind it.</summary>
internal static class ShellRun
{
    public const string NoShell = "There is no /bin/sh.";

    /// <summary>Starts a line of the shell, in which <c>antiphon</c> is the program.</summary>
    public static ProgramRun Start(string line) => ProgramRun.Start("/bin/sh", ["-c", $"antiphon() {{ {Program} \"$@\"; }}\n{line}"]);

    public static async Task<Ending> RunAsync(string line)
    {
        await using var run = Start(line);
        return await run.EndAsync();
    }

    private static string Program => Environment.GetEnvironmentVariable("ANTIPHON_PROGRAM") is { Length: > 0 } program
        ? $"'{program}'"
        : $"dotnet '{Path.Combine(AppContext.BaseDirectory, "antiphon.dll")}'";
}
