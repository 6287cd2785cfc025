using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Net.Sockets;
using Antiphon.Client.Receiving;
using Antiphon.Client.Sessions;
using Antiphon.Client.Transports;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;
using Antiphon.Protocol.Wire;

namespace Antiphon.Client.Connections;

/// <summary>
/// One Network Connection from its making to its end: a loop that reads, a loop that writes, and a timer. Whatever ends it first, wins;
/// both loops have ended when <see cref="RunAsync"/> has.
/// </summary>
internal sealed class NetworkConnection : IDisposable
{
    private const int FirstReceiveSize = 32 * 1024;

    /// <summary>How long the server may take to read our DISCONNECT and to close.</summary>
    private static readonly TimeSpan ClosingTime = TimeSpan.FromSeconds(2);

    private readonly ClientSession _session;
    private readonly MqttClientOptions _options;
    private readonly ConnectPacket _connect;
    private readonly Action<ConnAckPacket, ServerLimits> _accepted;
    private readonly InboundPackets _inbound;
    private readonly Greeting _greeting;

    // Set once, before either loop begins.
    private volatile Transport? _transport;

    // Never disposed: it has no timer, and whoever ends the connection late may still cancel it.
    private readonly CancellationTokenSource _connecting = new();
    private readonly ScheduledCompletion<ConnectionEnd> _ended;
    private readonly long _start;
    private readonly ITimer _timer;
    private readonly Lock _timerLock = new();
    private volatile KeepAlive? _keepAlive;
    private volatile bool _closing;
    private bool _hasBegun;
    private long _lastSent;
    private long _lastReceived;

    // For the receive loop: what has come so far may be MQTT.
    private bool _speaksMqtt;

    /// <summary>Prepares a connection.</summary>
    /// <param name="session">The Session that it is for.</param>
    /// <param name="options">Where to connect.</param>
    /// <param name="connect">The first packet.</param>
    /// <param name="accepted">Called on the receive loop when the server has accepted, before it reads anything else.</param>
    public NetworkConnection(
        ClientSession session, MqttClientOptions options, ConnectPacket connect, Action<ConnAckPacket, ServerLimits> accepted)
    {
        _session = session;
        _options = options;
        _connect = connect;
        _accepted = accepted;
        _ended = new ScheduledCompletion<ConnectionEnd>(options.Scheduler);
        _inbound = new InboundPackets(session, options);
        _greeting = new Greeting(session, options, connect, Accept, End, _connecting.Token);
        _start = options.TimeProvider.GetTimestamp();
        _timer = options.TimeProvider.CreateTimer(
            static state => ((NetworkConnection)state!).OnTimer(), this, options.ConnectTimeout, Timeout.InfiniteTimeSpan);
    }

    /// <summary>
    /// Whether the server may have a CONNECT that it has not answered, so that it may still take it for a new connection. For who has
    /// awaited <see cref="RunAsync"/>.
    /// </summary>
    public bool IsUnanswered => _hasBegun && !_greeting.IsAnswered;

    /// <summary>Connects and runs until the end.</summary>
    [SuppressMessage("Design", "CA1031", Justification = "Whatever goes wrong here ends this connection and nothing else.")]
    public async Task<ConnectionEnd> RunAsync()
    {
        Transport transport;
        var connect = _connect;
        try
        {
            _transport = transport = await Transport.OpenAsync(_options, _connecting.Token).ConfigureAwait(false);
            connect = await _greeting.BeginAsync().ConfigureAwait(false);
        }
        catch (Exception failure)
        {
            End(new ConnectionEnd($"{_options.Server} could not be connected to: {failure.Message}") { Cause = failure });
            return await _ended.Task.ConfigureAwait(false);
        }

        _hasBegun = true;
        _session.BeginConnection(connect);
        var reader = ReadAsync(transport);
        var writer = WriteAsync(transport);
        var end = await _ended.Task.ConfigureAwait(false);
        _session.EndConnection(end.Farewell);
        _closing = true;
        _session.OutputReady.Set();
        if (end.Farewell is not null && _greeting.HasBegun)
        {
            await SayFarewellAsync(reader, writer).ConfigureAwait(false);
        }

        await CloseAsync(transport, Task.WhenAll(reader, writer)).ConfigureAwait(false);
        await _greeting.EndAsync(end).ConfigureAwait(false);

        _session.ConnectionClosed();
        return end;
    }

    /// <summary>Ends the connection, from any thread; only the first reason counts.</summary>
    public void End(ConnectionEnd end)
    {
        if (_ended.TrySetResult(end))
        {
            _connecting.Cancel();
        }
    }

    /// <summary>Authenticates again over this connection.</summary>
    public Task ReauthenticateAsync(CancellationToken cancellationToken) => _greeting.ReauthenticateAsync(cancellationToken);

    /// <summary>Closes without another word.</summary>
    public void Abort()
    {
        End(new ConnectionEnd("The connection was closed at once."));
        _transport?.Dispose();
    }

    public void Dispose()
    {
        _timer.Dispose();
        _transport?.Dispose();
    }

    /// <summary>
    /// Lets the writer finish and close our half, then waits for the server to close its own:
    /// closing with unread input would reset the connection, and the DISCONNECT could be lost with it.
    /// </summary>
    private async Task SayFarewellAsync(Task reader, Task writer)
    {
        try
        {
            await writer.WaitAsync(ClosingTime, _options.TimeProvider).ConfigureAwait(false);
            await reader.WaitAsync(ClosingTime, _options.TimeProvider).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            // The server does not listen; it will see the connection close.
        }
    }

    /// <summary>Ends both loops.</summary>
    private async Task CloseAsync(Transport transport, Task loops)
    {
        try
        {
            transport.Break();
            await loops.WaitAsync(ClosingTime, _options.TimeProvider).ConfigureAwait(false);
        }
        catch (Exception failure) when (failure is TimeoutException or SocketException or ObjectDisposedException)
        {
            // Reset by the server, or it did not help: disposing does.
        }

        transport.Dispose();
        await loops.ConfigureAwait(false);
    }

    [SuppressMessage("Design", "CA1031", Justification = "Whatever goes wrong here ends this connection and nothing else.")]
    private async Task WriteAsync(Transport transport)
    {
        try
        {
            while (true)
            {
                if (_session.TryTakeOutput(out var bytes))
                {
                    Volatile.Write(ref _lastSent, Elapsed());
                    await transport.WriteAsync(bytes).ConfigureAwait(false);
                    _session.Counting.BytesSent(bytes.Length);
                    _session.Sent();
                    if (_session.HasOutput)
                    {
                        await _session.OutputReady.LeaveThreadAsync().ConfigureAwait(false);
                    }
                }
                else if (_closing)
                {
                    await transport.EndWritingAsync().ConfigureAwait(false);
                    return;
                }
                else
                {
                    await _session.OutputReady.WaitAsync().ConfigureAwait(false);
                }
            }
        }
        catch (Exception failure)
        {
            End(new ConnectionEnd($"The connection was lost while sending: {failure.Message}") { Cause = failure });
        }
    }

    [SuppressMessage("Design", "CA1031", Justification = "Whatever goes wrong here ends this connection and nothing else.")]
    private async Task ReadAsync(Transport transport)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(FirstReceiveSize);
        var filled = 0;
        try
        {
            while (true)
            {
                var count = await transport.ReadAsync(buffer.AsMemory(filled)).ConfigureAwait(false);
                if (count == 0)
                {
                    End(new ConnectionEnd($"The server closed the connection without saying why.{Hint}"));
                    return;
                }

                Volatile.Write(ref _lastReceived, Elapsed());
                _session.Counting.BytesReceived(count);
                filled += count;
                var consumed = HandleBatch(buffer.AsSpan(0, filled));
                buffer.AsSpan(consumed, filled - consumed).CopyTo(buffer);
                filled -= consumed;
                buffer = Fit(buffer, filled);
            }
        }
        catch (Exception failure)
        {
            End(new ConnectionEnd($"The connection was lost: {failure.Message}{Hint}") { Cause = failure });
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    // With TLS 1.3 a client learns only behind the handshake that its certificate was missed, or is not accepted.
    private string Hint => (_keepAlive, _options.Tls) switch
    {
        (null, { ClientCertificateContext: null }) => " If it demands a client certificate, set Tls.ClientCertificateContext.",
        (null, { }) => " Perhaps it does not accept the client certificate; its log can tell.",
        _ => "",
    };

    /// <summary>A larger buffer for a packet that does not fit; one of the first size again when it is through.</summary>
    private static byte[] Fit(byte[] buffer, int filled)
    {
        var size = filled == buffer.Length ? 2 * buffer.Length
            : filled == 0 && buffer.Length > FirstReceiveSize ? FirstReceiveSize
            : buffer.Length;
        if (size == buffer.Length)
        {
            return buffer;
        }

        var other = ArrayPool<byte>.Shared.Rent(size);
        buffer.AsSpan(0, filled).CopyTo(other);
        ArrayPool<byte>.Shared.Return(buffer);
        return other;
    }

    /// <summary>Handles every whole packet that is there.</summary>
    /// <returns>How many bytes that took; everything, once the connection is to end.</returns>
    private int HandleBatch(Span<byte> input)
    {
        _session.BeginBatch();
        try
        {
            if (!_speaksMqtt && ForeignServer.Describe(input, _options.Server) is { } sentence)
            {
                End(new ConnectionEnd(sentence));
            }

            _speaksMqtt = true;
            var consumed = 0;
            while (!_ended.IsSet)
            {
                var fault = default(Fault);
                switch (FrameReader.TryRead(input[consumed..], _options.MaximumPacketSize, out var frame, out var malformed))
                {
                    case FrameStatus.NeedMore:
                        return consumed;
                    case FrameStatus.Malformed:
                        fault = malformed;
                        break;
                    case FrameStatus.Complete:
                        fault = Handle(frame);
                        consumed += frame.Length;
                        break;
                    default:
                        throw new InvalidOperationException("A frame is complete, in want of more, or malformed.");
                }

                if (fault.Exists)
                {
                    End(ConnectionEnd.Violation(fault));
                }
            }

            return input.Length;
        }
        finally
        {
            _session.EndBatch();
        }
    }

    private Fault Handle(in Frame frame) => _greeting.TryHandle(frame, out var fault) ? fault : _inbound.Handle(frame);

    /// <summary>The server has accepted the connection; on the receive loop.</summary>
    private void Accept(ConnAckPacket answer)
    {
        var limits = new ServerLimits(answer, _connect);
        Volatile.Write(ref _lastSent, Elapsed());
        _keepAlive = new KeepAlive(limits.KeepAlive, _options.ConnectTimeout);
        OnTimer();
        _session.Accepted(limits);
        _accepted(answer, limits);
    }

    private void OnTimer()
    {
        if (_keepAlive is not { } keepAlive)
        {
            var patience = _options.ConnectTimeout.TotalSeconds;
            End(new ConnectionEnd($"{_options.Server} did not accept the connection within {patience:0.###} s."));
            return;
        }

        if (!keepAlive.IsOn)
        {
            _timer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            return;
        }

        KeepAliveStep step;
        TimeSpan next;
        lock (_timerLock)
        {
            step = keepAlive.Check(
                new TimeSpan(Elapsed()),
                new TimeSpan(Volatile.Read(ref _lastSent)),
                new TimeSpan(Volatile.Read(ref _lastReceived)),
                out next);
        }

        switch (step)
        {
            case KeepAliveStep.Wait:
                break;
            case KeepAliveStep.Ping:
                _session.Ping();
                break;
            case KeepAliveStep.Lost:
                End(new ConnectionEnd("The server did not answer PINGREQ; the connection is taken for lost (MQTT 5 §3.1.2.10)."));
                return;
            default:
                throw new InvalidOperationException($"There is no step {step}.");
        }

        // Timers count whole milliseconds; one that came too early would only be asked again.
        _timer.Change(TimeSpan.FromMilliseconds(Math.Ceiling(next.TotalMilliseconds)), Timeout.InfiniteTimeSpan);
    }

    /// <summary>Ticks since the connection was begun.</summary>
    private long Elapsed() => _options.TimeProvider.GetElapsedTime(_start).Ticks;
}
