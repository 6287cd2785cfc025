using System.Net;
using System.Net.Sockets;
using Antiphon.Client.Publishing;
using Antiphon.Client.Tests.Peers;
using Antiphon.Protocol;

namespace Antiphon.Client.Tests.Sessions;

[CollectionDefinition(DisableParallelization = true)]
public sealed class AloneCollection;

/// <summary>The same over a socket, with all threads counted; nothing else may run meanwhile.</summary>
[Collection(typeof(AloneCollection))]
public sealed class EndToEndAllocationTests
{
    private const int Messages = 20_000;

    [Fact]
    public async Task An_awaited_QoS_1_publish_over_a_socket_allocates_nothing()
    {
        using var server = new AnsweringServer();
        await using var client = await MqttClient.ConnectAsync(
            new MqttClientOptions { Host = "127.0.0.1", Port = server.Port, ClientId = "c" }, Limit.Token);

        await PublishAsync(client, 1_000);
        var before = GC.GetTotalAllocatedBytes(precise: true);
        await PublishAsync(client, Messages);
        var allocated = GC.GetTotalAllocatedBytes(precise: true) - before;

        // The runtime's own threads may add a few objects. One object a message would be half a megabyte.
        Assert.InRange(allocated, 0, 64 * 1024);
    }

    private static async Task PublishAsync(MqttClient client, int count)
    {
        for (var i = 0; i < count; i++)
        {
            await PublishOneAsync(client).ConfigureAwait(false);
        }
    }

    private static ValueTask<PublishResult> PublishOneAsync(MqttClient client) =>
        client.Publishes.PublishAsync(
            new PublishContent { Topic = "a"u8, Payload = "x"u8, QoS = QualityOfService.AtLeastOnce }, CancellationToken.None);

    /// <summary>Answers CONNECT, and each PUBLISH of that one form with its PUBACK. It blocks, since that allocates nothing.</summary>
    private sealed class AnsweringServer : IDisposable
    {
        private const int ConnectLength = 31;
        private const int PublishLength = 9;

        private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        private readonly Thread _thread;

        public AnsweringServer()
        {
            _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            _listener.Listen();
            _thread = new Thread(Run);
            _thread.Start();
        }

        public int Port => ((IPEndPoint)_listener.LocalEndPoint!).Port;

        public void Dispose()
        {
            _thread.Join();
            _listener.Dispose();
        }

        private static bool Fill(Socket socket, Span<byte> packet)
        {
            while (!packet.IsEmpty)
            {
                var count = socket.Receive(packet, SocketFlags.None);
                if (count == 0)
                {
                    return false;
                }

                packet = packet[count..];
            }

            return true;
        }

        private void Run()
        {
            Span<byte> packet = stackalloc byte[ConnectLength];
            Span<byte> answer = [0x40, 2, 0, 0];
            using var socket = _listener.Accept();
            socket.NoDelay = true;
            Fill(socket, packet);
            socket.Send([0x20, 3, 0, 0, 0]);

            // DISCONNECT is shorter than PUBLISH: it ends this together with the connection.
            while (Fill(socket, packet[..PublishLength]))
            {
                packet.Slice(5, 2).CopyTo(answer[2..]);
                socket.Send(answer);
            }
        }
    }
}
