using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;
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
        var descriptors = await FewestAsync() + 10;
        await using var broker = Start(descriptors);
        Assert.Contains($"{descriptors} file descriptors", await broker.ErrorLineAsync("leaves room for"), StringComparison.Ordinal);
        var port = await PortAsync(broker);

        await FillAsync(broker, port);
    }

    [Fact]
    public async Task Where_others_take_the_last_one_a_spare_one_lets_connections_be_closed_at_once()
    {
        SkipUnlessNative();
        await using var broker = Start(descriptors: 1000);
        var port = await PortAsync(broker);
        await WarmAsync(port);

        await LimitAsync(broker, LimitWithFree(broker, descriptors: 10));

        await FillAsync(broker, port);
    }

    [Fact]
    public async Task Where_others_have_taken_the_spare_one_too_the_next_that_is_free_replaces_it_and_nobody_waits()
    {
        SkipUnlessNative();
        await using var broker = Start(descriptors: 1000);
        var port = await PortAsync(broker);
        await WarmAsync(port);
        await LimitAsync(broker, 3);
        var early = ConnectAsync(port);
        await broker.ErrorLineAsync("accepting pauses");

        await LimitAsync(broker, LimitWithFree(broker, descriptors: 1));

        Assert.Null(await early);
        for (var i = 0; i < 5; i++)
        {
            Assert.Null(await ConnectAsync(port));
        }

        await LimitAsync(broker, LimitWithFree(broker, descriptors: 10));
        await FillAsync(broker, port);
    }

    /// <summary>What the broker says that it needs; more on a machine with more processors.</summary>
    private static async Task<int> FewestAsync()
    {
        await using var broker = Start(descriptors: Native is null ? 90 : 30);
        var end = await broker.EndAsync();
        var said = Regex.Match(end.Errors, @"\(ulimit -n\) to (\d+) or more");
        Assert.True(said.Success, end.Errors);
        return int.Parse(said.Groups[1].Value, CultureInfo.InvariantCulture);
    }

    /// <summary>What a first connection loads stays open.</summary>
    private static async Task WarmAsync(int port)
    {
        await using var first = await ConnectAsync(port);
        Assert.NotNull(first);
    }

    /// <summary>The limit below which so many numbers are free; the broker opens the lowest that is.</summary>
    private static int LimitWithFree(ProgramRun broker, int descriptors)
    {
        var taken = Directory.GetFileSystemEntries($"/proc/{broker.Id}/fd").Select(path => int.Parse(Path.GetFileName(path))).ToHashSet();
        return Enumerable.Range(0, int.MaxValue).Where(number => !taken.Contains(number)).ElementAt(descriptors - 1) + 1;
    }

    private static async Task LimitAsync(ProgramRun broker, int descriptors)
    {
        var prlimit = new[] { "/usr/bin/prlimit", "/bin/prlimit" }.FirstOrDefault(File.Exists);
        Assert.SkipWhen(prlimit is null, "prlimit of util-linux is not installed here.");
        await using var change = ProgramRun.Start(prlimit!, ["--pid", $"{broker.Id}", $"--nofile={descriptors}:"]);
        Assert.Equal(0, (await change.EndAsync()).ExitCode);
    }

    private static void SkipUnlessLinux() =>
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Only on Linux the broker knows how many descriptors there are.");

    /// <summary>
    /// The managed runtime ends its process with «Out of memory» where it needs a thread and there are no two descriptors for it.
    /// The reserve keeps some for that; these tests take the reserve away.
    /// </summary>
    private static void SkipUnlessNative()
    {
        SkipUnlessLinux();
        Assert.SkipWhen(
            Native is null,
            "The managed runtime needs descriptors for its threads; the native program is tested where ANTIPHON_PROGRAM names it.");
    }

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
        var script = string.Create(CultureInfo.InvariantCulture, $"ulimit -n {descriptors}; exec \"$0\" \"$@\"");
        return ProgramRun.Start("/bin/sh", ["-c", script, .. program, "broker", "--port", "0"]);
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
