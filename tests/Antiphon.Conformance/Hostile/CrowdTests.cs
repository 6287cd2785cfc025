using System.Net;
using System.Net.Sockets;
using Antiphon.Conformance.Hostile.Tables;

namespace Antiphon.Conformance.Hostile;

/// <summary>
/// Many connections at once that say nothing, or half of something, or too much and read nothing.
/// A pair beside goes on, and the broker's memory stays bounded.
/// </summary>
public sealed class CrowdTests(BrokerProcess broker, ITestOutputHelper output) : IClassFixture<BrokerProcess>
{
    private const int Crowd = 4000;

    [Fact]
    public async Task Four_thousand_connections_that_say_nothing_or_half_a_CONNECT_are_closed_after_ConnectTimeout()
    {
        RequireDescriptors(Crowd);
        await WatchAsync(64, async () =>
        {
            var half = Rendered.Bytes("10[ \"MQTT\" 05 02 003C () \"a client of a name that never comes\" ]").AsMemory(0, 20);
            var started = TimeProvider.System.GetTimestamp();
            var sockets = new List<Socket>();
            try
            {
                for (var i = 0; i < Crowd; i++)
                {
                    var socket = await OpenAsync();
                    sockets.Add(socket);
                    if (i % 2 == 1)
                    {
                        await socket.SendAsync(half, Cancelled);
                    }
                }

                var opened = TimeProvider.System.GetElapsedTime(started);
                output.WriteLine($"{Crowd} connections after {opened.TotalSeconds:F1} s: the broker has {broker.Resident:F0} MiB");

                // The default is 10 seconds, of which the last has spent none.
                await Task.WhenAll(sockets.Select(async socket => Assert.Equal(0, await socket.ReceiveAsync(new byte[16], Cancelled))));
                var closed = TimeProvider.System.GetElapsedTime(started);
                output.WriteLine($"all closed after {closed.TotalSeconds:F1} s");
                Assert.InRange(closed, TimeSpan.FromSeconds(10), opened + TimeSpan.FromSeconds(80));
            }
            finally
            {
                sockets.ForEach(socket => socket.Dispose());
            }
        });
    }

    [Fact]
    public Task Five_thousand_connections_that_are_reset_at_once_leave_nothing() => WatchAsync(32, async () =>
    {
        for (var i = 0; i < 5000; i++)
        {
            using var socket = await OpenAsync();
            socket.LingerState = new LingerOption(true, 0);
        }
    });

    [Fact]
    public Task Two_thousand_clients_that_are_reset_with_their_CONNECT_leave_nothing() => WatchAsync(32, async () =>
    {
        for (var i = 0; i < 2000; i++)
        {
            using var socket = await OpenAsync();
            socket.LingerState = new LingerOption(true, 0);
            await socket.SendAsync(
                Rendered.Bytes("10[ \"MQTT\" 05 06 003C () \"~\" () \"wills\" s{ 77*1000 } ]", unique: $"reset{i}"), Cancelled);
        }
    });

    [Fact]
    public Task Of_six_hundred_half_packets_of_a_mebibyte_the_oldest_go_and_the_pair_is_not_held_up() => WatchAsync(448, async () =>
    {
        var half = Rendered.Bytes("30 D0 FF 3F 0001 'a' 00 78*1000000");
        var clients = new List<Peer>();
        for (var i = 0; i < 600; i++)
        {
            var client = await Peer.ConnectAsync(broker.EndPoint);
            clients.Add(client);
            await client.SendAsync(half);
        }

        // Some 128 MiB of them may stand.
        foreach (var client in clients.Take(400))
        {
            await client.ExpectEndAsync(0x97);
        }

        output.WriteLine($"600 half packets: the broker has {broker.Resident:F0} MiB");
        await broker.Pair.ExchangeAsync();
        foreach (var client in clients)
        {
            await client.DisposeAsync();
        }
    });

    [Fact]
    public Task Subscribers_that_never_read_hold_up_nobody() => WatchAsync(192, async () =>
    {
        var readers = new List<Peer>();
        for (var i = 0; i < 40; i++)
        {
            var reader = await Peer.ConnectAsync(broker.EndPoint);
            await reader.SendAsync($"82[ 0001 () \"flood\" 0{i % 3} ]");
            await reader.ExpectAsync(0x90, (byte)(i % 3));
            readers.Add(reader);
        }

        await using var publisher = await Peer.ConnectAsync(broker.EndPoint);
        var payload = new string('x', 10_000);
        for (var i = 1; i <= 1000; i++)
        {
            await publisher.SendAsync(Rendered.Bytes($"30[ \"flood\" () '{payload}' ] 32[ \"flood\" {i:X4} () '{payload}' ]"));
            await publisher.ExpectAsync(0x40, 0x00);
        }

        output.WriteLine($"20 MB to 40 readers: the broker has {broker.Resident:F0} MiB");
        foreach (var reader in readers)
        {
            await reader.DisposeAsync();
        }
    });

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    private async Task<Socket> OpenAsync()
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPAddress.Loopback, broker.EndPoint.Port, Cancelled);
        return socket;
    }

    private static void RequireDescriptors(int count)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Only Linux tells its limits in /proc.");
        var line = File.ReadLines("/proc/self/limits").Single(line => line.StartsWith("Max open files", StringComparison.Ordinal));
        var limit = line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[3];
        Assert.SkipWhen(
            long.TryParse(limit, out var files) && files < count + 500,
            $"{limit} open files are allowed here; it takes {count + 500}.");
    }

    private Task WatchAsync(int mebibytes, Func<Task> attack) => broker.WatchAsync(mebibytes, attack, output);
}
