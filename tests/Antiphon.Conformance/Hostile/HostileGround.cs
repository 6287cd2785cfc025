using System.Globalization;
using Antiphon.Conformance.Brokers;
using Antiphon.Conformance.Hostile.Tables;
using Antiphon.Conformance.Wire;

namespace Antiphon.Conformance.Hostile;

/// <summary>A broker, a pair that exchanges messages on it all the time, and peers that send it bad packets.</summary>
public sealed class HostileGround(BrokerUnderTest broker) : IAsyncLifetime
{
    /// <summary>How long a broker may take to end a connection.</summary>
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    internal BrokerUnderTest Broker => broker;

    internal WatchPair Pair { get; private set; } = null!;

    public async ValueTask InitializeAsync() => Pair = await WatchPair.StartAsync(broker.EndPoint);

    public ValueTask DisposeAsync()
    {
        TestContext.Current.SendDiagnosticMessage(Pair.Figures);
        return Pair.DisposeAsync();
    }

    /// <summary>Sends a bad packet on a connection of its own.</summary>
    /// <returns>How that ended, in the words of <see cref="BadPacket.Endings"/>.</returns>
    internal async Task<string> SendAsync(BadPacket packet, ProtocolVersion version)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(Limit);
        await using var connection = await RawConnection.OpenAsync(broker.EndPoint, limit.Token);
        var unique = BrokerUnderTest.NewUnique();
        if (!packet.IsFirst)
        {
            await connection.TrySendAsync(Rendered.Bytes("10[ \"MQTT\" VV 02 003C () \"~\" ]", version, unique), limit.Token);
            Assert.Equal(
                [0x20, 0x00], Assert.IsType<byte[]>(await connection.ReceiveAsync(limit.Token)).Where((_, place) => place is 0 or 3));
        }

        var bytes = Rendered.Bytes(packet.Bytes, version, unique);
        if (packet.IsWhole)
        {
            // What comes behind a bad packet may not be processed, nor reset the connection. If all goes on, the answer to PINGREQ tells.
            var ends = broker.IsOurs && !packet.Endings.Contains("on", StringComparison.Ordinal);
            bytes = [.. bytes, .. ends ? Pair.NeverToBeSeen(version) : [], 0xC0, 0x00];
        }

        await connection.TrySendAsync(bytes, limit.Token);
        return await EndingAsync(connection, version, limit.Token);
    }

    private static async Task<string> EndingAsync(RawConnection connection, ProtocolVersion version, CancellationToken cancellationToken)
    {
        var seen = new List<string>();
        try
        {
            while (await connection.ReceiveAsync(cancellationToken) is { } received)
            {
                if (received is [0xD0, 0x00])
                {
                    return seen is [] ? "on" : string.Join(", ", seen);
                }

                seen.Add(Word(received, version));
            }
        }
        catch (OperationCanceledException)
        {
            seen.Add($"nothing more within {Limit.TotalSeconds} s");
        }

        if (connection.WasReset)
        {
            seen.Add("reset");
        }

        return seen is [] ? "silence" : string.Join(", ", seen);
    }

    /// <summary>What a packet says, in the words of <see cref="BadPacket.Endings"/>.</summary>
    private static string Word(byte[] packet, ProtocolVersion version)
    {
        ReadOnlySpan<byte> body = packet.AsSpan(1);
        Assert.True(VariableInteger.TryRead(ref body, out _));
        return packet[0] switch
        {
            0x20 when body.Length >= 2 && body[0] == 0 => Code(body[1], body[2..]),
            0xE0 when version == ProtocolVersion.V5 => body.IsEmpty ? "00" : Code(body[0], body[1..]),
            0x90 or 0xB0 => body[^1] >= 0x80 ? "refusal" : "on",
            _ => Convert.ToHexString(packet),
        };
    }

    private static string Code(byte code, ReadOnlySpan<byte> properties) =>
        properties.IsEmpty
        || (VariableInteger.TryRead(ref properties, out var length)
            && length == properties.Length
            && PropertyBlock.Split(properties) is not null)
            ? code.ToString("X2", CultureInfo.InvariantCulture)
            : $"{code:X2} and no property list";
}
