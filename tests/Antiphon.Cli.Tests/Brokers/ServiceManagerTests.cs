using System.Net.Sockets;
using System.Text;
using Antiphon.Tests.Running;

namespace Antiphon.Cli.Tests.Brokers;

/// <summary>What <c>antiphon broker</c> tells the service manager that started it.</summary>
public sealed class ServiceManagerTests : IDisposable
{
    private readonly BrokerFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task It_tells_when_it_is_ready_reloads_and_stops(bool isAbstract)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Only Linux has service managers that speak sd_notify.");
        var name = isAbstract ? $"@antiphon-{Guid.NewGuid():N}" : _folder.PathOf("notify");
        using var socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        socket.Bind(new UnixDomainSocketEndPoint(isAbstract ? $"\0{name[1..]}" : name));
        _folder.Write("antiphon.json", """{ "listeners": [ { "url": "mqtt://127.0.0.1:0" } ] }""");
        await using var broker = ProgramRun.StartBuilt(
            "antiphon", ["broker", "--config", _folder.Config], environment: new Dictionary<string, string> { ["NOTIFY_SOCKET"] = name });

        Assert.Matches("^READY=1\nSTATUS=Listening at mqtt://127[.]0[.]0[.]1:[0-9]+$", await NextAsync(socket));
        await broker.HangUpAsync();
        Assert.Matches("^RELOADING=1\nMONOTONIC_USEC=[0-9]+$", await NextAsync(socket));
        Assert.StartsWith("READY=1\n", await NextAsync(socket), StringComparison.Ordinal);
        await broker.TerminateAsync();
        Assert.StartsWith("STOPPING=1\n", await NextAsync(socket), StringComparison.Ordinal);
        Assert.Equal(0, (await broker.EndAsync()).ExitCode);
    }

    [Fact]
    public async Task A_service_manager_that_is_not_there_is_no_reason_not_to_run()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Only Linux has service managers that speak sd_notify.");
        await using var broker = ProgramRun.StartBuilt(
            "antiphon",
            ["broker", "--port", "0"],
            environment: new Dictionary<string, string> { ["NOTIFY_SOCKET"] = _folder.PathOf("nobody") });

        await broker.ErrorLineAsync("The service manager cannot be told «READY=1»");
        await broker.OutputLineAsync("listening mqtt://");
    }

    private static async Task<string> NextAsync(Socket socket)
    {
        var buffer = new byte[4096];
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        patience.CancelAfter(TimeSpan.FromMinutes(1));
        return Encoding.UTF8.GetString(buffer, 0, await socket.ReceiveAsync(buffer, patience.Token));
    }
}
