using Antiphon.Interop.Mosquitto;
using Antiphon.Server.Tests.Peers;

namespace Antiphon.Server.Tests.Mosquitto;

/// <summary>Debian's mosquitto clients against TLS that is ours.</summary>
public sealed class MosquittoTests : IDisposable
{
    private readonly CertificateFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("5", "tlsv1.2")]
    [InlineData("5", "tlsv1.3")]
    [InlineData("311", "tlsv1.3")]
    public async Task Its_clients_talk_over_TLS_with_a_certificate_of_their_own(string version, string tls)
    {
        var device = _folder.Issue("device-7");
        await using var server = await Servers.StartAsync(Servers.Listener(
            ListenerProtocol.Mqtts,
            Servers.Tls(_folder.Issue("localhost")) with { ClientCertificates = ClientCertificates.Require, ClientCa = _folder.Ca }));
        string[] at =
        [
            "-V", version, "-h", "localhost", "-p", $"{Servers.PortOf(server)}", "--cafile", _folder.Ca, "--cert", device.Certificate,
            "--key", device.Key!, "--tls-version", tls, "--tls-alpn", "mqtt", "-q", "1", "-t", "t",
        ];
        await using var subscriber = Peer.StartLineByLine("mosquitto_sub", [.. at, "-C", "1", "-d"]);
        await subscriber.OutputLineAsync("received SUBACK");

        var published = await Peer.RunAsync("mosquitto_pub", [.. at, "-m", "hello"]);
        var received = await subscriber.EndAsync();

        Assert.Equal((0, 0), (published.ExitCode, received.ExitCode));
        Assert.Contains("hello", received.Lines);
    }

    [Fact]
    public async Task Without_a_certificate_that_is_required_it_is_turned_away()
    {
        await using var server = await Servers.StartAsync(Servers.Listener(
            ListenerProtocol.Mqtts,
            Servers.Tls(_folder.Issue("localhost")) with { ClientCertificates = ClientCertificates.Require, ClientCa = _folder.Ca }));

        var refused = await Peer.RunAsync(
            "mosquitto_pub", "-h", "localhost", "-p", $"{Servers.PortOf(server)}", "--cafile", _folder.Ca, "-t", "t", "-m", "hello");

        Assert.NotEqual(0, refused.ExitCode);
        Assert.Equal(0, (await server.Broker.TakeSnapshotAsync(cancellationToken: Servers.Ending)).Counters.Connections);
    }
}
