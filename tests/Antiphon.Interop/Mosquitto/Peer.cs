using Antiphon.Tests.Running;

namespace Antiphon.Interop.Mosquitto;

/// <summary>Debian's mosquitto programs. Where one is missing, the test is skipped with the reason; in CI it fails.</summary>
internal static class Peer
{
    public static ProgramRun Start(string program, params string[] arguments) => ProgramRun.Start(Find(program), arguments);

    /// <summary>As <see cref="Start"/>, with the standard output written line by line, so that a line can be waited for; the programs hold lines back where no terminal reads them.</summary>
    public static ProgramRun StartLineByLine(string program, params string[] arguments) => ProgramRun.Start(Find("stdbuf"), ["-oL", Find(program), .. arguments]);

    public static ProgramRun StartWithInput(string program, string input, params string[] arguments) => ProgramRun.Start(Find(program), arguments, input);

    public static async Task<Ending> RunAsync(string program, params string[] arguments)
    {
        await using var run = Start(program, arguments);
        return await run.EndAsync();
    }

    /// <summary>Where a client program finds a broker on this machine, with MQTT 5.</summary>
    public static string[] At(int port) => ["-V", "5", "-h", "127.0.0.1", "-p", $"{port}"];

    private static string Find(string program)
    {
        // Debian puts the broker where an ordinary user's PATH does not lead.
        string[] folders = [.. (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator), "/usr/sbin", "/usr/local/sbin"];
        var found = folders.Select(folder => Path.Combine(folder, program)).FirstOrDefault(File.Exists);
        var missing = $"{program} is not installed here; ./test installs it where it may (Debian: apt-get install mosquitto mosquitto-clients coreutils).";
        if (Environment.GetEnvironmentVariable("CI") == "true")
        {
            Assert.True(found is not null, missing);
        }

        Assert.SkipWhen(found is null, missing);
        return found!;
    }
}
