using System.Globalization;
using Antiphon.Client;
using Antiphon.Protocol;
using Antiphon.Tests.Running;

namespace Antiphon.Cli.Tests.Connecting;

/// <summary>Our client and our broker prove themselves to each other by SCRAM-SHA-256, with a file of <c>antiphon passwd</c>.</summary>
public sealed class ScramTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("antiphon-scram-");

    private string Users => Path.Combine(_folder.FullName, "users");

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory]
    [InlineData]
    [InlineData("--auth-method", "SCRAM-SHA-256")]
    public async Task The_right_password_publishes_and_a_wrong_one_is_denied(params string[] method)
    {
        await using var broker = await StartBrokerAsync();
        var port = await PortAsync(broker);

        var right = await PubAsync(port, "ann", "secret", method);
        var wrong = await PubAsync(port, "ann", "Secret", method);
        var unknown = await PubAsync(port, "eve", "secret", method);

        Assert.Equal((0, ""), (right.ExitCode, right.Output));
        Assert.Equal((4, 4), (wrong.ExitCode, unknown.ExitCode));
        Assert.DoesNotContain("ecret", wrong.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_connection_is_authenticated_again_while_messages_go_on()
    {
        await using var broker = await StartBrokerAsync();
        var options = new MqttClientOptions
        {
            Host = "127.0.0.1",
            Port = await PortAsync(broker),
            Authentication = () => new ScramSha256Exchange("ann", "secret"u8.ToArray()),
        };
        await using var client = await MqttClient.ConnectAsync(options, Token);
        var message = new ApplicationMessage { Topic = "a", QoS = QualityOfService.ExactlyOnce };

        for (var i = 0; i < 3; i++)
        {
            var publishing = Enumerable.Range(0, 20).Select(_ => client.PublishAsync(message, Token).AsTask()).ToList();
            await client.ReauthenticateAsync(Token);
            await Task.WhenAll(publishing);
        }

        Assert.Equal((ConnectionState.Connected, 0L), (client.State, client.Counters.Reconnects));
    }

    [Fact]
    public async Task Who_has_forgotten_the_password_by_then_is_disconnected()
    {
        await using var broker = await StartBrokerAsync();
        var password = "secret"u8.ToArray();
        var options = new MqttClientOptions
        {
            Host = "127.0.0.1",
            Port = await PortAsync(broker),
            Authentication = () => new ScramSha256Exchange("ann", password),
        };
        await using var client = await MqttClient.ConnectAsync(options, Token);
        password = "other"u8.ToArray();

        var exception = await Assert.ThrowsAsync<ConnectionException>(() => client.ReauthenticateAsync(Token));

        Assert.Equal(ReasonCode.NotAuthorized, exception.ReasonCode);
    }

    private async Task<ProgramRun> StartBrokerAsync()
    {
        await using var passwd = ProgramRun.StartBuilt("antiphon", ["passwd", Users, "ann", "--password-from-stdin"], "secret");
        Assert.Equal(0, (await passwd.EndAsync()).ExitCode);
        return Running.Cli.Start("broker", "--port", "0", "--password-file", Users);
    }

    private static async Task<int> PortAsync(ProgramRun broker) =>
        int.Parse((await broker.OutputLineAsync("listening")).Split(':')[^1], CultureInfo.InvariantCulture);

    private static async Task<Ending> PubAsync(int port, string user, string password, string[] method)
    {
        await using var run = ProgramRun.StartBuilt(
            "antiphon",
            ["pub", "a", "1", "--qos", "2", "--username", user, .. method, .. Running.Cli.At(port)],
            environment: new Dictionary<string, string> { ["ANTIPHON_PASSWORD"] = password });
        return await run.EndAsync();
    }
}
