using Antiphon.Tests.Running;

namespace Antiphon.Interop.Mosquitto;

/// <summary>
/// Programs that others wrote, Debian's mosquitto first. Where one is missing, the test is skipped with the reason; in CI it fails.
/// </summary>
internal static class Peer
{
    public static ProgramRun Start(string program, params string[] arguments) => ProgramRun.Start(Find(program), arguments);

    /// <summary>
    /// As <see cref="Start"/>, with the standard output written line by line, so that a line can be waited for.
    /// Where no terminal reads them, the programs would hold lines back.
    /// </summary>
    public static ProgramRun StartLineByLine(string program, params string[] arguments) =>
        ProgramRun.Start(Find("stdbuf"), ["-oL", Find(program), .. arguments]);

    public static ProgramRun StartWithInput(string program, string input, params string[] arguments) =>
        ProgramRun.Start(Find(program), arguments, input);

    public static async Task<Ending> RunAsync(string program, params string[] arguments)
    {
        await using var run = Start(program, arguments);
        return await run.EndAsync();
    }

    /// <summary>Where a client program finds a broker on this machine, with MQTT 5.</summary>
    public static string[] At(int port) => ["-V", "5", "-h", "127.0.0.1", "-p", $"{port}"];

    /// <summary>The file of a program on this machine.</summary>
    public static string Find(string program)
    {
        // Debian puts the broker where an ordinary user's PATH does not lead.
        var path = Environment.GetEnvironmentVariable("PATH") ?? "";
        string[] folders = [.. path.Split(Path.PathSeparator), "/usr/sbin", "/usr/local/sbin"];
        var found = folders.Select(folder => Path.Combine(folder, program)).FirstOrDefault(File.Exists);
        Require(
            found is not null,
            $"{program} is not installed here; ./test installs it where it may (Debian: apt-get install {PackageOf(program)}).");
        return found!;
    }

    /// <summary>Skips the test where something is missing; in CI the test fails.</summary>
    public static void Require(bool isThere, string missing)
    {
        if (Environment.GetEnvironmentVariable("CI") == "true")
        {
            Assert.True(isThere, missing);
        }

        Assert.SkipUnless(isThere, missing);
    }

    private static string PackageOf(string program) => program switch
    {
        "python3" => "python3-paho-mqtt",
        "node" => "nodejs npm",
        "gcc" => "gcc libc6-dev libpaho-mqtt-dev",
        _ => "mosquitto mosquitto-clients coreutils",
    };
}
