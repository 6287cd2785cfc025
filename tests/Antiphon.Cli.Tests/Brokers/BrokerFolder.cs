using System.Globalization;
using Antiphon.Client;
using Antiphon.Server.Tests.Peers;
using Antiphon.Tests.Running;

namespace Antiphon.Cli.Tests.Brokers;

/// <summary>A folder with a broker's configuration and the files that it names; it ends with the test.</summary>
internal sealed class BrokerFolder : IDisposable
{
    private readonly CertificateFolder _folder = new();

    public string Config => PathOf("antiphon.json");

    public CertificateFolder Certificates => _folder;

    public string PathOf(string file) => _folder.PathOf(file);

    public void Write(string file, string text) => _folder.Write(file, text);

    /// <summary>Starts a broker with a configuration.</summary>
    public ProgramRun Start(string json, params string[] arguments)
    {
        Write("antiphon.json", json);
        return Running.Cli.Start(["broker", "--config", Config, .. arguments]);
    }

    /// <summary>The port of the first address, or of the one that begins as told, where a broker says that it listens.</summary>
    public static async Task<int> PortAsync(ProgramRun broker, string url = "mqtt://127.0.0.1:")
    {
        var rest = (await broker.OutputLineAsync($"listening {url}"))[$"listening {url}".Length..];
        return int.Parse(rest.Split('/')[0], CultureInfo.InvariantCulture);
    }

    public static Task<MqttClient> ConnectAsync(int port, Func<MqttClientOptions, MqttClientOptions>? with = null)
    {
        var options = new MqttClientOptions { Host = "127.0.0.1", Port = port };
        return MqttClient.ConnectAsync(with is null ? options : with(options), TestContext.Current.CancellationToken);
    }

    public void Dispose() => _folder.Dispose();
}
