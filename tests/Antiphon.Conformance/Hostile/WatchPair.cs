using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using Antiphon.Conformance.Brokers;
using Antiphon.Conformance.Hostile.Tables;
using Antiphon.Conformance.Wire;

namespace Antiphon.Conformance.Hostile;

/// <summary>
/// A requester and a responder, two connections of raw bytes, that exchange messages with QoS 1 all the time while others misbehave.
/// Once an exchange has failed, taken too long or been answered with something else, the next one fails the test that asks for it.
/// </summary>
internal sealed class WatchPair : IAsyncDisposable
{
    /// <summary>An exchange takes well under a millisecond. The rest is for a machine that is busy with other things.</summary>
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(60);

    private static readonly TimeSpan Rhythm = TimeSpan.FromMilliseconds(10);

    private readonly string _unique = BrokerUnderTest.NewUnique();
    private readonly CancellationTokenSource _ending = new();
    private readonly SemaphoreSlim _turn = new(1, 1);
    private readonly RawConnection _requester;
    private readonly RawConnection _responder;
    private readonly ConcurrentBag<double> _milliseconds = [];
    private Task _answering = Task.CompletedTask;
    private Task _watching = Task.CompletedTask;
    private ushort _number;

    private WatchPair(RawConnection requester, RawConnection responder)
    {
        _requester = requester;
        _responder = responder;
    }

    /// <summary>How many exchanges there were, and how long they took.</summary>
    public string Figures
    {
        get
        {
            var sorted = _milliseconds.Order().ToArray();
            return string.Create(
                CultureInfo.InvariantCulture,
                $"{sorted.Length} exchanges beside: median {sorted[sorted.Length / 2]:F2} ms, "
                + $"p99 {sorted[sorted.Length * 99 / 100]:F2} ms, slowest {sorted[^1]:F2} ms");
        }
    }

    public static async Task<WatchPair> StartAsync(DnsEndPoint broker)
    {
        using var limit = new CancellationTokenSource(Bound);
        var pair = new WatchPair(await RawConnection.OpenAsync(broker, limit.Token), await RawConnection.OpenAsync(broker, limit.Token));
        await pair.ConnectAsync(pair._responder, "s", "82[ 0001 () \"pair/~/question\" 01 \"pair/~/never\" 01 ]", limit.Token);
        await pair.ConnectAsync(pair._requester, "q", "82[ 0001 () \"pair/~/answer\" 01 ]", limit.Token);
        pair._answering = pair.AnswerAsync();
        pair._watching = pair.WatchAsync();
        return pair;
    }

    /// <summary>A PUBLISH that the responder watches for: nobody may process it.</summary>
    public byte[] NeverToBeSeen(ProtocolVersion version) => Rendered.Bytes("30[ \"pair/~/never\" () ]", version, _unique);

    /// <summary>One exchange that begins now. Once one has failed, all fail.</summary>
    public async Task ExchangeAsync()
    {
        await _turn.WaitAsync(_ending.Token);
        try
        {
            if (_watching.IsFaulted)
            {
                await _watching;
            }

            if (_answering.IsCompleted)
            {
                await _answering;
            }

            using var limit = CancellationTokenSource.CreateLinkedTokenSource(_ending.Token);
            limit.CancelAfter(Bound);
            var started = TimeProvider.System.GetTimestamp();
            await ExchangeAsync(++_number == 0 ? ++_number : _number, limit.Token);
            _milliseconds.Add(TimeProvider.System.GetElapsedTime(started).TotalMilliseconds);
        }
        catch (OperationCanceledException) when (!_ending.IsCancellationRequested)
        {
            throw new TimeoutException($"The exchange beside was not over within {Bound.TotalSeconds} s.");
        }
        finally
        {
            _turn.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync();
        await _requester.DisposeAsync();
        await _responder.DisposeAsync();
        await Task.WhenAll(_answering, _watching).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _ending.Dispose();
        _turn.Dispose();
    }

    private async Task ExchangeAsync(ushort number, CancellationToken cancellationToken)
    {
        await SendAsync(
            _requester,
            $"32[ \"pair/~/question\" {number:X4} ( 08 \"pair/~/answer\", 09 0002 {number:X4} ) 'question' ]",
            cancellationToken);
        var acknowledged = false;
        var answered = false;
        while (!acknowledged || !answered)
        {
            var packet = await ReceiveAsync(_requester, cancellationToken);
            switch (packet[0] >> 4)
            {
                case 4:
                    Assert.Equal(number, BinaryPrimitives.ReadUInt16BigEndian(packet.AsSpan(2)));
                    Assert.True(packet.Length < 5 || packet[4] < 0x80, Convert.ToHexString(packet));
                    acknowledged = true;
                    break;
                case 3:
                    var answer = new Delivery(packet);
                    Assert.Equal($"{number:X4}", answer.Correlation);
                    await SendAsync(_requester, $"40[ {answer.Identifier} ]", cancellationToken);
                    answered = true;
                    break;
                default:
                    Assert.Fail($"The requester was sent {Convert.ToHexString(packet)}.");
                    break;
            }
        }
    }

    private async Task AnswerAsync()
    {
        while (true)
        {
            var packet = await ReceiveAsync(_responder, _ending.Token);
            if (packet[0] >> 4 == 4)
            {
                continue;
            }

            Assert.Equal(3, packet[0] >> 4);
            var question = new Delivery(packet);
            Assert.EndsWith("/question", question.Topic, StringComparison.Ordinal);
            await SendAsync(
                _responder,
                $"40[ {question.Identifier} ] "
                + $"32[ \"pair/~/answer\" {question.Correlation} ( 09 0002 {question.Correlation} ) 'answer' ]",
                _ending.Token);
        }
    }

    private async Task WatchAsync()
    {
        using var rhythm = new PeriodicTimer(Rhythm, TimeProvider.System);
        while (await rhythm.WaitForNextTickAsync(_ending.Token))
        {
            await ExchangeAsync();
        }
    }

    private async Task ConnectAsync(RawConnection connection, string name, string subscribe, CancellationToken cancellationToken)
    {
        await SendAsync(connection, $"10[ \"MQTT\" 05 02 003C () \"~{name}\" ] {subscribe}", cancellationToken);
        Assert.Equal(0x20, (await ReceiveAsync(connection, cancellationToken))[0]);
        Assert.Equal(0x90, (await ReceiveAsync(connection, cancellationToken))[0]);
    }

    private async Task SendAsync(RawConnection connection, string text, CancellationToken cancellationToken) =>
        Assert.True(
            await connection.TrySendAsync(Rendered.Bytes(text, unique: _unique), cancellationToken),
            "The pair's connection has been closed.");

    private static async Task<byte[]> ReceiveAsync(RawConnection connection, CancellationToken cancellationToken) =>
        await connection.ReceiveAsync(cancellationToken) ?? throw new EndOfStreamException("The pair's connection has been closed.");

    /// <summary>A PUBLISH with QoS 1 and Correlation Data of two bytes.</summary>
    private sealed class Delivery
    {
        public Delivery(byte[] packet)
        {
            ReadOnlySpan<byte> rest = packet.AsSpan(1);
            Assert.True(VariableInteger.TryRead(ref rest, out _));
            var topic = BinaryPrimitives.ReadUInt16BigEndian(rest);
            Topic = System.Text.Encoding.UTF8.GetString(rest.Slice(2, topic));
            rest = rest[(2 + topic)..];
            Identifier = Convert.ToHexString(rest[..2]);
            rest = rest[2..];
            Assert.True(VariableInteger.TryRead(ref rest, out var length));
            Correlation = Convert.ToHexString(
                Assert.Single(PropertyBlock.Split(rest[..length])!, property => property[0] == 0x09).AsSpan(3));
        }

        public string Topic { get; }

        public string Identifier { get; }

        public string Correlation { get; }
    }
}
