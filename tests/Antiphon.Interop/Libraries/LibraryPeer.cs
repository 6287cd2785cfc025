using System.Text.Json;
using Antiphon.Interop.Mosquitto;
using Antiphon.Protocol;
using Antiphon.Protocol.Properties;
using Antiphon.Tests.Running;

namespace Antiphon.Interop.Libraries;

/// <summary>The scripts that make another library a requester or a responder: Paho/peer.py and MqttJs/peer.mjs.</summary>
internal static class LibraryPeer
{
    /// <summary>Debian's own Python, whose packages ./test installs; the first one on the PATH may be another.</summary>
    private const string DebiansPython = "/usr/bin/python3";

    /// <summary>Starts a responder, and waits until it is subscribed.</summary>
    public static async Task<ProgramRun> StartResponderAsync(Library library, int port, QualityOfService qos, string topic)
    {
        var run = await StartAsync(library, port, qos, "responder", topic);
        try
        {
            await run.OutputLineAsync("ready");
            return run;
        }
        catch
        {
            await run.DisposeAsync();
            throw;
        }
    }

    /// <summary>Starts a requester, which sends one request for each payload and ends when all are answered.</summary>
    public static Task<ProgramRun> StartRequesterAsync(Library library, int port, QualityOfService qos, string topic, params string[] payloads) =>
        StartAsync(library, port, qos, "requester", [topic, .. payloads]);

    /// <summary>The message that a peer printed on a line.</summary>
    public static SeenMessage Read(string line) => JsonSerializer.Deserialize<SeenMessage>(line, JsonSerializerOptions.Web)!;

    private static async Task<ProgramRun> StartAsync(Library library, int port, QualityOfService qos, string role, params string[] arguments)
    {
        string[] all = ["127.0.0.1", $"{port}", $"{(int)qos}", role, .. arguments];
        return library switch
        {
            Library.Paho => ProgramRun.Start(await FindPythonAsync(), [Script("Paho", "peer.py"), .. all]),
            Library.MqttJs => ProgramRun.Start(FindNode(), [Script("MqttJs", "peer.mjs"), .. all]),
            _ => throw new ArgumentOutOfRangeException(nameof(library), library, "There is no script for this library."),
        };
    }

    private static async Task<string> FindPythonAsync()
    {
        var python = File.Exists(DebiansPython) ? DebiansPython : Peer.Find("python3");
        await using var import = ProgramRun.Start(python, ["-c", "import paho.mqtt.client"]);
        Peer.Require(
            (await import.EndAsync()).ExitCode == 0,
            "paho-mqtt is not installed here; ./test installs it where it may (Debian: apt-get install python3-paho-mqtt).");
        return python;
    }

    private static string FindNode()
    {
        var node = Peer.Find("node");
        Peer.Require(
            Directory.Exists(Script("MqttJs", "node_modules", "mqtt")),
            "MQTT.js is not installed here; ./test installs it where it may (npm ci in tests/Antiphon.Interop/MqttJs).");
        return node;
    }

    // The scripts run where they are written, since Node.js looks for its modules beside them.
    private static string Script(params string[] path)
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

/// <summary>A message as a peer saw it.</summary>
/// <param name="Payload">As text.</param>
/// <param name="CorrelationData">In hexadecimal, lower case.</param>
/// <param name="UserProperties">Pairs of name and value.</param>
/// <param name="Qos">The QoS it arrived with.</param>
internal sealed record SeenMessage(string Payload, string CorrelationData, string[][] UserProperties, int Qos)
{
    /// <summary>Without those that requester and responder add for themselves.</summary>
    public IEnumerable<UserProperty> OwnUserProperties => UserProperties.Select(pair => new UserProperty(pair[0], pair[1])).Where(IsOwn);

    public static bool IsOwn(UserProperty property) =>
        !property.Name.StartsWith("__", StringComparison.Ordinal) && !property.Name.StartsWith("antiphon-", StringComparison.Ordinal);
}
