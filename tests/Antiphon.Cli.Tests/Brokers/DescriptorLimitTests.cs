using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Antiphon.Protocol.Packets;
using Antiphon.Tests.Running;

namespace Antiphon.Cli.Tests.Brokers;

/// <summary>The broker where the process may open few files: it says so, and lets nobody wait.</summary>
public sealed class DescriptorLimitTests
{
    private static string? Native =>
        Environment.GetEnvironmentVariable("ANTIPHON_PROGRAM") is { Length: > 0 } program ? program : null;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(30)]
    [InlineData(64)]
    [InlineData(80)]
    public async Task Too_few_are_a_sentence_and_exit_code_1(int descriptors)
    {
        SkipUnlessLinux();
        Assert.SkipWhen(descriptors > 30 && Native is not null, "The native program takes fewer descriptors for itself.");
        await using var broker = Start(descriptors);

        var end = await broker.EndAsync();

        Assert.Equal(1, end.ExitCode);
        Assert.Contains("ulimit -n", end.Errors, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", end.Errors, StringComparison.Ordinal);
        Assert.Empty(end.Output);
    }

    [Fact]
    public async Task At_the_limit_new_connections_are_closed_at_once_told_once_and_those_that_stand_go_on()
    {
        SkipUnlessLinux();
        await using var broker = Start(descriptors: 120);
        Assert.Contains("120 file descriptors", await broker.ErrorLineAsync("leaves room for"), StringComparison.Ordinal);
        var port = await PortAsync(broker);

        await FillAsync(broker, port);
    }

    [Fact]
    public async Task Where_others_take_the_last_one_a_spare_one_lets_connections_be_closed_at_once()
    {
        SkipUnlessLinux();
        var prlimit = new[] { "/usr/bin/prlimit", "/bin/prlimit" }.FirstOrDefault(File.Exists);
        Assert.SkipWhen(prlimit is null, "prlimit of util-linux is not installed here.");
        await using var broker = Start(descriptors: 1000);
        var port = await PortAsync(broker);
        await using (var first = await ConnectAsync(port))
        {
            // What the first connection has loaded stays.
            Assert.NotNull(first);
        }

        var limit = Directory.GetFileSystemEntries($"/proc/{broker.Id}/fd").Length + 10;
        await using var lowering = ProgramRun.Start(prlimit!, ["--pid", $"{broker.Id}", $"--nofile={limit}:{limit}"]);
        Assert.Equal(0, (await lowering.EndAsync()).ExitCode);

        await FillAsync(broker, port);
    }

    private static void SkipUnlessLinux() =>
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Only on Linux the broker knows how many descriptors there are.");

    /// <summary>Connects far more clients than there is room for.</summary>
    private static async Task FillAsync(ProgramRun broker, int port)
    {
        var clients = new List<Link>();
        try
        {
            var turnedAway = 0;
            for (var i = 0; i < 150; i++)
            {
                if (await ConnectAsync(port) is { } client)
                {
                    clients.Add(client);
                }
                else
                {
                    turnedAway++;
                }
            }

            Assert.True(clients.Count >= 5, $"Only {clients.Count} were let in.");
            Assert.True(turnedAway >= 20, $"Only {turnedAway} were turned away.");
            foreach (var client in clients)
            {
                await client.PingAsync();
            }
        }
        finally
        {
            foreach (var client in clients)
            {
                await client.DisposeAsync();
            }
        }

        // There is room again as soon as the broker has seen that they have gone.
        while (true)
        {
            await using var client = await ConnectAsync(port);
            if (client is not null)
            {
                break;
            }
        }

        await broker.TerminateAsync();
        var end = await broker.EndAsync();
        Assert.Equal(0, end.ExitCode);
        Assert.Single(end.Errors.Split('\n'), line => line.Contains("No file descriptor is left", StringComparison.Ordinal));
    }

    private static ProgramRun Start(int descriptors)
    {
        string[] program = Native is { } native ? [native] : ["dotnet", Path.Combine(AppContext.BaseDirectory, "antiphon.dll")];
        return ProgramRun.Start(
            "/bin/sh",
            ["-c", string.Create(CultureInfo.InvariantCulture, $"ulimit -n {descriptors}; exec \"$0\" \"$@\""), .. program, "broker", "--port", "0"]);
    }

    private static async Task<int> PortAsync(ProgramRun broker)
    {
        var line = await broker.OutputLineAsync("listening mqtt://127.0.0.1:");
        return int.Parse(line.Split(':')[^1], CultureInfo.InvariantCulture);
    }

    /// <summary>A client of MQTT 5.</summary>
    /// <returns><c>null</c>: the connection was closed without a word.</returns>
    private static async Task<Link?> ConnectAsync(int port)
    {
        var link = new Link();
        if (await link.ConnectAsync(port))
        {
            return link;
        }

        await link.DisposeAsync();
        return null;
    }

    /// <summary>A connection that speaks bytes. What does not come fails the test after a minute.</summary>
    private sealed class Link : IAsyncDisposable
    {
        private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

        private readonly TcpClient _client = new();

        public async Task<bool> ConnectAsync(int port)
        {
            await _client.ConnectAsync(IPAddress.Loopback, port, Cancellation);
            try
            {
                await _client.GetStream().WriteAsync(Convert.FromHexString("100D00044D5154540502003C000000"), Cancellation);
                return await ReceiveAsync() == (byte)PacketType.ConnAck << 4;
            }
            catch (IOException)
            {
                // What it sent was not read before the broker closed.
                return false;
            }
        }

        public async Task PingAsync()
        {
            // The rest of CONNACK comes before the answer.
            await _client.GetStream().WriteAsync(Convert.FromHexString("C000"), Cancellation);
            while (await ReceiveAsync() is var received && received != (byte)PacketType.PingResp << 4)
            {
                Assert.NotEqual(-1, received);
            }
        }

        public ValueTask DisposeAsync()
        {
            _client.Dispose();
            return ValueTask.CompletedTask;
        }

        private async Task<int> ReceiveAsync()
        {
            var one = new byte[1];
            return await _client.GetStream().ReadAsync(one, Cancellation).AsTask().WaitAsync(Patience, Cancellation) == 0 ? -1 : one[0];
        }
    }
}
