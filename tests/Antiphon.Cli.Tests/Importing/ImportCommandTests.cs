using Antiphon.Cli.Tests.Brokers;
using Antiphon.Client;
using Antiphon.Protocol;

namespace Antiphon.Cli.Tests.Importing;

/// <summary><c>antiphon import mosquitto</c>.</summary>
public sealed class ImportCommandTests : IDisposable
{
    private readonly BrokerFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_broker_runs_by_what_came_of_mosquitto_s_files()
    {
        // Made by mosquitto_passwd 2.0.11 from the password «geheim ä».
        _folder.Write(
            "passwords",
            "ann:$7$101$2fSOV6IbXrcoTy/0$DKNM3Cf8+NMA1JrR/aufNEAOgGZLSfIHlZamWfbWrAsC+ESH8pyM2TlVTps5T7sdlTg4wy9rrXKwbbExm2CYHg==\n");
        _folder.Write("acl", "user ann\ntopic write devices/#\n");
        _folder.Write("mosquitto.conf", "listener 1883 127.0.0.1\npassword_file passwords\nacl_file acl\nlog_type all\n");

        var end = await ImportAsync();

        Assert.Equal((0, $"{_folder.PathOf("antiphon.users")}\n{_folder.Config}\n"), (end.ExitCode, end.Output));
        Assert.Equal($"{_folder.PathOf("mosquitto.conf")}:4: note: «log_type all»: It is left out: no client notices it.\n", end.Errors);
        Assert.Equal(
            $$"""
            // From {{_folder.PathOf("mosquitto.conf")}}.
            // «read» became subscribe, «write» became publish and request. Who is to answer requests needs «respond» too.
            // mosquitto lets anybody subscribe to anything and looks at each message. Here rules have to cover the filter.
            {
              "listeners": [
                // {{_folder.PathOf("mosquitto.conf")}}:1
                { "url": "mqtt://127.0.0.1:1883" }
              ],
              "allowAnonymous": false,
              // {{_folder.PathOf("mosquitto.conf")}}:2
              "users": { "passwordFile": "antiphon.users" },
              "rules": [
                // {{_folder.PathOf("acl")}}:2
                { "allow": [ "publish", "request" ], "topics": [ "devices/#" ], "to": [ "user:ann" ] }
              ]
            }

            """,
            await File.ReadAllTextAsync(_folder.Config, TestContext.Current.CancellationToken));

        await using var broker = Running.Cli.Start("broker", "--config", _folder.Config, "--port", "0");
        await using var ann = await BrokerFolder.ConnectAsync(
            await BrokerFolder.PortAsync(broker), options => options with { UserName = "ann", Password = "geheim ä"u8.ToArray() });
        await PublishAsync(ann, "devices/1");
        Assert.Equal(
            ReasonCode.NotAuthorized,
            (await Assert.ThrowsAsync<RefusedException>(() => PublishAsync(ann, "elsewhere"))).ReasonCode);

        // What is there is not written over.
        var again = await ImportAsync();
        Assert.Equal((2, $"«{_folder.Config}» is there already; name another file with --out.\n"), (again.ExitCode, again.Errors));
    }

    [Fact]
    public async Task What_cannot_be_translated_is_told_by_line_and_nothing_is_written()
    {
        _folder.Write("mosquitto.conf", "persistence true\nmount_point x\nlistener 1883\nallow_anonymous true\n");

        var end = await ImportAsync();

        var file = _folder.PathOf("mosquitto.conf");
        Assert.Equal(
            (2, "", $"{file}:1: error: «persistence true»: Sessions and retained messages are kept in memory.\n"
                + $"{file}:2: error: «mount_point x»: Topics are the same at all listeners.\n"
                + "Nothing was written. Change these lines, or leave options out with --without.\n"),
            (end.ExitCode, end.Output, end.Errors));
        Assert.False(File.Exists(_folder.Config));
        Assert.Equal(0, (await ImportAsync("--without", "persistence", "--without", "mount_point")).ExitCode);
    }

    [Fact]
    public async Task What_the_broker_would_not_take_is_told()
    {
        _folder.Write("mosquitto.conf", "listener 8883\nallow_anonymous true\ncertfile none.pem\nkeyfile none.key\n");

        var end = await ImportAsync();

        Assert.Equal(2, end.ExitCode);
        Assert.StartsWith($"{_folder.Config}:5:", end.Errors, StringComparison.Ordinal);
        Assert.Contains("none.pem» cannot be read", end.Errors, StringComparison.Ordinal);
    }

    private static async Task PublishAsync(MqttClient client, string topic) => await client.PublishAsync(
        new ApplicationMessage { Topic = topic, QoS = QualityOfService.AtLeastOnce }, TestContext.Current.CancellationToken);

    private Task<Antiphon.Tests.Running.Ending> ImportAsync(params string[] arguments) => Running.Cli.RunAsync(
        ["import", "mosquitto", _folder.PathOf("mosquitto.conf"), "--out", _folder.Config, .. arguments]);
}
