using System.Buffers;
using System.Net.Sockets;
using Antiphon.Client;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;
using Antiphon.Protocol.Wire;

namespace Antiphon.Cli.Probing;

/// <summary>
/// Publishes one message with QoS 2, packet by packet, since the client stops at QoS 1, and looks at the PUBREC. A connection of its own, for one probe.
/// </summary>
internal sealed class QoS2Probe : IDisposable
{
    private const uint LongestPacket = 64 * 1024;
    private static readonly PacketIdentifier Identifier = new(1);

    private readonly Socket _socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    private readonly byte[] _input = new byte[LongestPacket];
    private int _filled;

    /// <summary>The Reason Code of the PUBREC; <c>null</c>: the broker ended the connection instead.</summary>
    public static async Task<ReasonCode?> RunAsync(MqttClientOptions options, string topic, CancellationToken cancellationToken)
    {
        using var probe = new QoS2Probe();
        try
        {
            return await probe.PublishAsync(options, topic, cancellationToken);
        }
        catch (SocketException)
        {
            return null;
        }
    }

    public void Dispose() => _socket.Dispose();

    private async Task<ReasonCode?> PublishAsync(MqttClientOptions options, string topic, CancellationToken cancellationToken)
    {
        await _socket.ConnectAsync(options.Host, options.ServerPort, cancellationToken);
        var connect = new ConnectPacket
        {
            ClientId = $"antiphon-probe-{Guid.NewGuid():N}",
            CleanStart = true,
            KeepAlive = 60,
            UserName = options.UserName,
            Password = options.Password,
        };
        await SendAsync(connect, cancellationToken);
        if (await ReceiveAsync(cancellationToken) is not ConnAckPacket { ReasonCode: ReasonCode.Success })
        {
            return null;
        }

        var message = new ApplicationMessage { Topic = topic, QoS = QualityOfService.ExactlyOnce };
        await SendAsync(new PublishPacket(message) { PacketIdentifier = Identifier }, cancellationToken);
        if (await ReceiveAsync(cancellationToken) is not AcknowledgementPacket { Type: PacketType.PubRec } received)
        {
            return null;
        }

        if (received.ReasonCode < ReasonCode.UnspecifiedError)
        {
            await SendAsync(new AcknowledgementPacket(PacketType.PubRel, Identifier), cancellationToken);
            await ReceiveAsync(cancellationToken);
        }

        await SendAsync(new DisconnectPacket(), cancellationToken);
        return received.ReasonCode;
    }

    private async Task SendAsync(Packet packet, CancellationToken cancellationToken)
    {
        var output = new ArrayBufferWriter<byte>();
        packet.WriteTo(output, ProtocolVersion.V5);
        await _socket.SendAsync(output.WrittenMemory, cancellationToken);
    }

    // null: the broker closed the connection, or what it sent is no packet.
    private async Task<Packet?> ReceiveAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            switch (TryTake(out var packet))
            {
                case FrameStatus.Complete:
                    return packet;
                case FrameStatus.Malformed:
                    return null;
            }

            var count = await _socket.ReceiveAsync(_input.AsMemory(_filled), cancellationToken);
            if (count == 0)
            {
                return null;
            }

            _filled += count;
        }
    }

    private FrameStatus TryTake(out Packet? packet)
    {
        packet = null;
        var status = FrameReader.TryRead(_input.AsSpan(0, _filled), LongestPacket, out var frame, out _);
        if (status == FrameStatus.Complete)
        {
            PacketDecoder.TryDecode(frame, ProtocolVersion.V5, out packet, out _);
            _input.AsSpan(frame.Length, _filled - frame.Length).CopyTo(_input);
            _filled -= frame.Length;
        }

        return status;
    }
}
