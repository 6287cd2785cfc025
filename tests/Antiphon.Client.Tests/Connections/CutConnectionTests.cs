using System.Buffers.Binary;
using Antiphon.Client.Tests.Peers;
using Antiphon.Protocol;

namespace Antiphon.Client.Tests.Connections;

public sealed class CutConnectionTests
{
    private const int Messages = 2_000;
    private const int Publishers = 16;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Every_QoS_1_message_arrives_however_often_the_connection_is_cut(int seed)
    {
        using var server = new ScriptedServer();
        await using var client = MqttClient.Start(server.Options);
        using var stop = new CancellationTokenSource();
        var arrived = new HashSet<int>();
        var serving = ServeAsync(server, new Random(seed), arrived, stop.Token);

        await Task.WhenAll(Enumerable.Range(0, Publishers).Select(publisher => Task.Run(async () =>
        {
            for (var i = publisher; i < Messages; i += Publishers)
            {
                var payload = new byte[sizeof(int)];
                BinaryPrimitives.WriteInt32BigEndian(payload, i);
                await client.PublishAsync(
                    new ApplicationMessage { Topic = "a", Payload = payload, QoS = QualityOfService.AtLeastOnce }, Limit.Token);
            }
        }))).InTime();

        await stop.CancelAsync();
        await client.DisposeAsync();
        var connections = await serving.InTime();
        Assert.Equal(Messages, arrived.Count);
        Assert.True(connections > 5, $"The connection was cut {connections - 1} times only.");
    }

    /// <summary>
    /// Acknowledges what arrives and cuts each connection after some packets, with or without the last acknowledgement.
    /// Now and then it forgets the Session.
    /// </summary>
    private static async Task<int> ServeAsync(ScriptedServer server, Random random, HashSet<int> arrived, CancellationToken stop)
    {
        for (var connections = 1; ; connections++)
        {
            using var connection = await server.AcceptAsync(
                random.Next(3) == 0 || connections == 1 ? ScriptedServer.Accepted : ScriptedServer.AcceptedSessionPresent);
            try
            {
                for (var left = random.Next(1, 200); left > 0 || stop.IsCancellationRequested; left--)
                {
                    var packet = await connection.ReadAsync();
                    if (packet[0] >> 4 == 14)
                    {
                        return connections;
                    }

                    arrived.Add(BinaryPrimitives.ReadInt32BigEndian(packet.AsSpan(packet.Length - sizeof(int))));
                    if (left > 1 || random.Next(2) == 0)
                    {
                        await connection.SendAsync([0x40, 2, packet[5], packet[6]]);
                    }
                }

                connection.Reset();
            }
            catch (IOException) when (stop.IsCancellationRequested)
            {
                return connections;
            }
        }
    }
}
