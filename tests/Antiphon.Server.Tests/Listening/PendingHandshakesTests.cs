using System.Net;
using System.Net.Sockets;
using Antiphon.Broker;
using Antiphon.Server.Listening;
using Antiphon.Server.Tests.Peers;
using Microsoft.AspNetCore.Connections;

namespace Antiphon.Server.Tests.Listening;

/// <summary>Connections that never come as far as the broker.</summary>
public sealed class PendingHandshakesTests : IDisposable
{
    private const int Silent = 20;
    private const int Pending = 5;

    private readonly CertificateFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(ListenerProtocol.Mqtts)]
    [InlineData(ListenerProtocol.Wss)]
    [InlineData(ListenerProtocol.Ws)]
    public async Task Those_that_say_nothing_keep_nobody_out_the_oldest_ends(ListenerProtocol protocol)
    {
        var tls = protocol == ListenerProtocol.Ws ? null : Servers.Tls(_folder.Issue("localhost"));
        await using var server = await Servers.StartAsync(
            Servers.Listener(protocol, tls), broker => broker with { MaximumPendingConnections = Pending });
        var silent = new List<Socket>();
        try
        {
            for (var i = 0; i < Silent; i++)
            {
                var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
                silent.Add(socket);
                await socket.ConnectAsync(IPAddress.Loopback, Servers.PortOf(server), Servers.Ending);
            }

            foreach (var socket in silent.Take(Silent - Pending))
            {
                Assert.True(await HasEndedAsync(socket));
            }

            // What was counted before is known when the broker answers.
            await server.Broker.TakeSnapshotAsync(0, Servers.Ending);
            Assert.Equal(0, silent[^1].Available);
            Assert.Equal(Silent - Pending, server.Broker.Counters.DroppedPending);
        }
        finally
        {
            silent.ForEach(socket => socket.Dispose());
        }
    }

    [Fact]
    public async Task An_address_has_no_more_of_them_than_it_may_have_connections()
    {
        await using var broker = BrokerHost.Start(new BrokerOptions { Listeners = [], MaximumConnectionsPerAddress = 2 });
        var goOn = new TaskCompletionSource();
        var bound = new PendingHandshakes(broker).Bound(_ => goOn.Task);

        var (first, firstEnds) = Begin(bound, "192.0.2.1");
        var (_, secondEnds) = Begin(bound, "192.0.2.1");
        var (third, thirdEnds) = Begin(bound, "192.0.2.1");
        var (_, otherEnds) = Begin(bound, "192.0.2.2");

        await thirdEnds;
        Assert.False(firstEnds.IsCompleted || secondEnds.IsCompleted || otherEnds.IsCompleted);

        // One of them is the broker's now, and makes room.
        PendingHandshakes.HandOver(first.Features);
        var (_, fourthEnds) = Begin(bound, "192.0.2.1");
        Assert.False(fourthEnds.IsCompleted);
        Assert.NotNull(third);
        await broker.TakeSnapshotAsync(0, Servers.Ending);
        Assert.Equal(1, broker.Counters.RefusedByAddress);
        goOn.SetResult();
        await Task.WhenAll(firstEnds, secondEnds, otherEnds, fourthEnds);
    }

    private static (ConnectionContext Connection, Task Ends) Begin(ConnectionDelegate bound, string address)
    {
        var connection = new DefaultConnectionContext { RemoteEndPoint = new IPEndPoint(IPAddress.Parse(address), 50_000) };
        return (connection, bound(connection));
    }

    private static async Task<bool> HasEndedAsync(Socket socket)
    {
        try
        {
            return await socket.ReceiveAsync(new byte[1], SocketFlags.None, Servers.Ending) == 0;
        }
        catch (SocketException reset) when (reset.SocketErrorCode == SocketError.ConnectionReset)
        {
            return true;
        }
    }
}
