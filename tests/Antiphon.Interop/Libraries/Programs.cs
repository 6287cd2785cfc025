using Antiphon.Interop.Mosquitto;
using Antiphon.Tests.Running;

namespace Antiphon.Interop.Libraries;

/// <summary>
/// Starts the programs that use other libraries. Where a library is missing, the test is skipped with the reason; in CI it fails.
/// </summary>
internal static class Programs
{
    /// <summary>Debian's own Python, whose packages ./test installs; the first one on the PATH may be another.</summary>
    private const string DebiansPython = "/usr/bin/python3";

    /// <summary>Starts <c>antiphon</c>: as it was built with these tests, or what the variable <c>ANTIPHON_PROGRAM</c> names.</summary>
    public static ProgramRun StartAntiphon(params string[] arguments)
    {
        if (Environment.GetEnvironmentVariable("ANTIPHON_PROGRAM") is { Length: > 0 } program)
        {
            return ProgramRun.Start(program, arguments);
        }

        // Its configuration and framework are those of the tests, whose folder ends with both.
        var here = new DirectoryInfo(Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory));
        var built = Path.Combine(Source(), "..", "..", "src", "Antiphon.Cli", "bin", here.Parent!.Name, here.Name, "antiphon.dll");
        return ProgramRun.Start("dotnet", [Path.GetFullPath(built), .. arguments]);
    }

    public static async Task<PeerProcess> StartPahoAsync()
    {
        var python = File.Exists(DebiansPython) ? DebiansPython : Peer.Find("python3");
        await using var import = ProgramRun.Start(python, ["-c", "import paho.mqtt.client"]);
        Peer.Require(
            (await import.EndAsync()).ExitCode == 0,
            "paho-mqtt is not installed here; ./test installs it where it may (Debian: apt-get install python3-paho-mqtt).");
        return PeerProcess.Start(python, Source("Paho", "peer.py"));
    }

    public static PeerProcess StartMqttJs()
    {
        var node = Peer.Find("node");
        Peer.Require(
            Directory.Exists(Source("MqttJs", "node_modules", "mqtt")),
            "MQTT.js is not installed here; ./test installs it where it may (npm ci in tests/Antiphon.Interop/MqttJs).");
        return PeerProcess.Start(node, Source("MqttJs", "peer.mjs"));
    }

    /// <summary>Compiles the program; gives its file.</summary>
    public static async Task<string> BuildPahoCAsync()
    {
        var program = Path.Combine(AppContext.BaseDirectory, "paho-c-peer");
        await using var compiler = ProgramRun.Start(
            Peer.Find("gcc"),
            [
                "-D_GNU_SOURCE", "-O1", "-Wall", "-Wextra", "-Werror", "-o", program,
                Source("PahoC", "peer.c"), Source("PahoC", "lines.c"), "-lpaho-mqtt3a", "-lpthread",
            ]);
        var end = await compiler.EndAsync();
        Peer.Require(
            end.ExitCode == 0 || !end.Errors.Contains("MQTTAsync.h: No such file", StringComparison.Ordinal),
            "Paho C is not installed here; ./test installs it where it may (Debian: apt-get install libpaho-mqtt-dev).");
        Assert.True(end.ExitCode == 0, end.Errors);
        return program;
    }

    // The scripts run where they are written, since Node.js looks for its modules beside them.
    private static string Source(params string[] path)
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Antiphon.Interop.csproj")))
            {
                return Path.Combine([folder.FullName, .. path]);
            }
        }

        throw new InvalidOperationException($"No folder above {AppContext.BaseDirectory} holds Antiphon.Interop.csproj.");
    }
}
