using Antiphon.Broker;
using Antiphon.Cli.Tests.Running;
using Antiphon.Client;
using Antiphon.Rpc;

namespace Antiphon.Cli.Tests.Readme;

/// <summary>The C# of README.md stands here as well, so that it compiles; change both together.</summary>
public sealed class ReadmeTests
{
    [Fact]
    public async Task Every_line_of_CSharp_in_the_README_compiles()
    {
        var text = await SourceTree.ReadAsync("tests/Antiphon.Cli.Tests/Readme/ReadmeTests.cs");
        var source = text.Split('\n').Select(line => line.Trim()).ToHashSet();
        var readme = await SourceTree.ReadAsync("README.md");

        var blocks = readme.Split("```csharp\n").Skip(1).Select(block => block.Split("```")[0]).ToList();

        Assert.NotEmpty(blocks);
        Assert.All(
            blocks.SelectMany(block => block.Split('\n', StringSplitOptions.RemoveEmptyEntries)),
            line => Assert.Contains(line.Trim(), source));
    }

    [Fact]
    public async Task The_README_names_every_exit_code_of_the_help()
    {
        var readme = await SourceTree.ReadAsync("README.md");

        Assert.All(
            Enum.GetValues<Antiphon.Cli.CommandLine.ExitCode>(),
            code => Assert.Contains($"| {(int)code} | ", readme, StringComparison.Ordinal));
    }

    // Never called: the addresses are the reader's, not the tests'.
    internal static async Task<string> AskAsync()
    {
        await using var client = await MqttClient.ConnectAsync("localhost");
        await using var requester = new Requester(client);
        var response = await requester.RequestAsync("device_1/relay_1", "1");
        return response.Text;
    }

    internal static async Task AnswerAsync()
    {
        await using var client = await MqttClient.ConnectAsync("localhost");
        await using var responder = new Responder(client);
        await responder.RespondAsync("device_1/relay_1", request => request.Text == "1" ? "on" : "off");
    }

    internal static async Task<int> StartAsync()
    {
        await using var broker = BrokerHost.Start(new BrokerOptions { Port = 0 });
        return broker.Port;
    }

    internal static async Task<string> ConnectForLongAsync(string password)
    {
        await using var client = await MqttClient.ConnectAsync(MqttClientOptions.FromUri(new("mqtts://broker.example")) with
        {
            ClientId = "billing",
            CleanStart = false,
            SessionExpiry = TimeSpan.FromDays(7),
            SessionStore = new FileSessionStore("billing.session"),
            Authentication = () => new ScramSha256Exchange("billing", password),
        });
        return client.ClientId;
    }
}
