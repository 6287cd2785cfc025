using System.Security.Cryptography.X509Certificates;
using Antiphon.Server.Configuration;
using Antiphon.Server.Tests.Peers;
using Microsoft.Extensions.Logging;

namespace Antiphon.Server.Tests.Reloading;

public sealed class ConfigurationReloadTests : IDisposable
{
    private const string Json = """
        { "listeners": [ { "url": "mqtts://127.0.0.1:0", "certificate": "server.pem", "key": "server.key" } ],
          "log": { "level": "info" } }
        """;

    private readonly CertificateFolder _folder = new();
    private readonly RecordedLog _log = new();
    private readonly LookingClock _clock = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_change_of_a_file_that_is_named_is_taken_over_once_it_is_whole()
    {
        var (server, reload, _) = await StartAsync();
        await using var both = new Both(server, reload);
        var first = await ShownAsync(server);
        _clock.Look();
        Assert.Empty(_log.Take());

        Renew("server");
        _clock.Look();
        Assert.Empty(_log.Take());
        _clock.Look();

        Assert.Equal(
            [$"Information: Reloaded {_folder.PathOf("antiphon.json")}. The certificates of 1 listener were read anew."], _log.Take());
        Assert.NotEqual(first, await ShownAsync(server));
        _clock.Look();
        Assert.Empty(_log.Take());
    }

    [Fact]
    public async Task A_link_that_leads_elsewhere_is_a_change()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Links need a privilege there.");
        Renew("one");
        Renew("two");
        Link("one");
        var (server, reload, _) = await StartAsync(issue: false);
        await using var both = new Both(server, reload);
        var first = await ShownAsync(server);

        Link("two");
        _clock.Look();
        _clock.Look();

        Assert.NotEqual(first, await ShownAsync(server));
    }

    [Fact]
    public async Task A_bad_file_changes_nothing_says_why_and_is_read_again_when_it_is_mended()
    {
        var (server, reload, applied) = await StartAsync();
        await using var both = new Both(server, reload);
        var first = await ShownAsync(server);

        _folder.Write("antiphon.json", """{ "log": { "level": "loud" }, "x": 1 }""");
        _clock.Look();
        _clock.Look();
        Assert.Equal(
            [
                $"Warning: {_folder.PathOf("antiphon.json")}:1:21: error: «log.level» is the text «loud»; "
                    + "it has to be \"debug\" or \"info\" or \"warning\" or \"error\" or \"none\".",
                $"Warning: {_folder.PathOf("antiphon.json")}:1:31: error: There is no setting «x»; "
                    + $"there are {string.Join(", ", ServerSettings.Shape.Settings.Select(setting => setting.Name))}.",
                $"Error: Did not reload {_folder.PathOf("antiphon.json")}; everything stays as it is.",
            ],
            _log.Take());
        Assert.Equal(first, await ShownAsync(server));
        Assert.Empty(applied);

        _folder.Write("antiphon.json", Json.Replace("info", "debug", StringComparison.Ordinal));
        _clock.Look();
        _clock.Look();
        Assert.Equal(LogLevel.Debug, Assert.Single(applied).Log.Level);
    }

    [Fact]
    public async Task What_was_asked_for_is_done_at_once()
    {
        var (server, reload, applied) = await StartAsync();
        await using var both = new Both(server, reload);

        _folder.Write("antiphon.json", Json.Replace("\"log\"", "\"limits\": { \"replies\": 5 }, \"log\"", StringComparison.Ordinal));
        Assert.True(reload.Reload());
        Assert.Single(applied);
        Assert.Equal("Warning: Takes effect at the next start: «limits.replies» differs.", _log.Take()[^1]);

        File.Delete(_folder.PathOf("server.key"));
        Assert.False(reload.Reload());
        Assert.Contains("server.key» cannot be read", _log.Take()[0], StringComparison.Ordinal);
    }

    private async Task<(ServerHost Server, ConfigurationReload Reload, List<ServerOptions> Applied)> StartAsync(bool issue = true)
    {
        if (issue)
        {
            Renew("server");
        }

        var file = new ConfigurationFile(_folder.Write("antiphon.json", Json), new Dictionary<string, string>(), []);
        var reading = file.Read();
        var options = reading.Options! with { Broker = reading.Options.Broker with { TimeProvider = _clock, LoggerFactory = _log } };
        var server = await ServerHost.StartAsync(options, Servers.Ending);
        var applied = new List<ServerOptions>();
        _log.Take();
        return (server, new ConfigurationReload(server, file, reading, applied.Add, options.Broker), applied);
    }

    private void Renew(string name) => _folder.WriteFiles(name, _folder.Authority.Issue("localhost", lastDay: 20));

    private void Link(string to)
    {
        foreach (var extension in (string[])["pem", "key"])
        {
            File.Delete(_folder.PathOf($"server.{extension}"));
            File.CreateSymbolicLink(_folder.PathOf($"server.{extension}"), _folder.PathOf($"{to}.{extension}"));
        }
    }

    private async Task<string> ShownAsync(ServerHost server)
    {
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        policy.CustomTrustStore.AddRange(_folder.Authority.Alone);
        await using var stream = await Servers.HandshakeAsync(server, new() { TargetHost = "localhost", CertificateChainPolicy = policy });
        return ((X509Certificate2)stream.RemoteCertificate!).SerialNumber;
    }

    private sealed class Both(ServerHost server, ConfigurationReload reload) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            await reload.DisposeAsync();
            await server.DisposeAsync();
        }
    }
}
