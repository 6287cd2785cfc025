using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using Antiphon.Client.Connections;
using Antiphon.Client.Sessions;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;
using Antiphon.Protocol.Wire;

namespace Antiphon.Client.Authentication;

/// <summary>
/// Enhanced authentication on one Network Connection (MQTT 5 §4.12):
/// the exchange that CONNECT begins, and those of re-authentication, one after the other. Packets come on the receive loop.
/// </summary>
internal sealed class EnhancedAuthentication(
    Func<IAuthenticationExchange> exchanges, ClientSession session, Action<ConnectionEnd> end, CancellationToken ended)
{
    private readonly Lock _lock = new();

    // Written before the receive loop begins.
    private string _method = "";

    // Guarded by the lock. An exchange is under way while there is one.
    private IAuthenticationExchange? _exchange;
    private ScheduledCompletion<ValueTuple>? _reauthenticated;
    private bool _isOurTurn;
    private Task _answering = Task.CompletedTask;
    private uint _maximumPacketSize = uint.MaxValue;
    private ConnectionEnd? _over;

    /// <summary>Adds the method and the first data to CONNECT.</summary>
    public async ValueTask<ConnectPacket> BeginAsync(ConnectPacket connect)
    {
        var exchange = exchanges();
        var data = Fitting(await exchange.BeginAsync(ended).ConfigureAwait(false));
        _method = exchange.Method;
        lock (_lock)
        {
            _exchange = exchange;
        }

        return connect with { AuthenticationMethod = _method, AuthenticationData = data };
    }

    /// <summary>Begins another exchange over the accepted connection [MQTT-4.12.1-1]; completes when both sides are content.</summary>
    public Task ReauthenticateAsync(CancellationToken cancellationToken)
    {
        var exchange = exchanges();
        if (exchange.Method != _method)
        {
            throw new InvalidOperationException(
                $"The connection was authenticated by {_method}; {exchange.Method} cannot follow it [MQTT-4.12.1-1].");
        }

        var done = new ScheduledCompletion<ValueTuple>(session.Scheduler);
        lock (_lock)
        {
            if (_over is not null)
            {
                throw _over.ToException();
            }

            if (_exchange is not null)
            {
                throw new InvalidOperationException("An authentication exchange is under way; wait for its end.");
            }

            _exchange = exchange;
            _reauthenticated = done;
            Answer(ReasonCode.ReAuthenticate, exchange.BeginAsync);
        }

        return done.Task.WaitAsync(cancellationToken);
    }

    /// <summary>An AUTH arrived.</summary>
    public Fault Handle(AuthPacket packet)
    {
        IAuthenticationExchange exchange;
        lock (_lock)
        {
            if (_over is not null)
            {
                return default;
            }

            if (_exchange is null || _isOurTurn)
            {
                return Fault.Protocol("The server sent AUTH where it was not its turn (MQTT 5 §4.12).");
            }

            if (packet.AuthenticationMethod is { } method && method != _method)
            {
                return WrongMethod(packet.Type, method);
            }

            exchange = _exchange;
            if (packet.ReasonCode == ReasonCode.ContinueAuthentication)
            {
                var data = packet.AuthenticationData ?? default;
                Answer(ReasonCode.ContinueAuthentication, token => exchange.AnswerAsync(data, token));
                return default;
            }

            if (packet.ReasonCode != ReasonCode.Success || _reauthenticated is null)
            {
                return Fault.Protocol(
                    $"The server sent AUTH with 0x{(byte)packet.ReasonCode:X2} {packet.ReasonCode} where 0x18 belongs, "
                    + "or CONNACK (MQTT 5 §3.15.2.1).");
            }
        }

        TryComplete(exchange, packet.AuthenticationData);
        return default;
    }

    /// <summary>A CONNACK that accepts arrived.</summary>
    /// <returns>Whether this side is content too; otherwise there is a fault, or the connection ends.</returns>
    public bool TryComplete(ConnAckPacket packet, out Fault fault)
    {
        IAuthenticationExchange exchange;
        lock (_lock)
        {
            exchange = _exchange!;
            _maximumPacketSize = packet.MaximumPacketSize ?? uint.MaxValue;
            fault = packet.AuthenticationMethod != _method ? WrongMethod(packet.Type, packet.AuthenticationMethod ?? "")
                : _isOurTurn ? Fault.Protocol("The server sent CONNACK where it was not its turn (MQTT 5 §4.12).")
                : default;
        }

        return !fault.Exists && TryComplete(exchange, packet.AuthenticationData);
    }

    /// <summary>The connection has ended: whoever waits is told, and nothing is sent any more once this has completed.</summary>
    public async Task EndAsync(ConnectionEnd reason)
    {
        Task answering;
        ScheduledCompletion<ValueTuple>? waiting;
        lock (_lock)
        {
            _over = reason;
            answering = _answering;
            waiting = _reauthenticated;
            _reauthenticated = null;
        }

        waiting?.TrySetException(reason.ToException(sent: true));
        await answering.ConfigureAwait(false);
    }

    private static ReadOnlyMemory<byte>? Fitting(ReadOnlyMemory<byte>? data) => data is not { Length: > ushort.MaxValue }
        ? data
        : throw new InvalidOperationException(
            $"The exchange gave {data.Value.Length} bytes of Authentication Data; at most 65,535 fit (MQTT 5 §1.5.6).");

    private Fault WrongMethod(PacketType type, string method) =>
        Fault.Protocol($"{type} has the Authentication Method «{Utf8Text.Excerpt(method)}», CONNECT had «{_method}» [MQTT-4.12.0-5].");

    [SuppressMessage("Design", "CA1031", Justification = "Whatever an exchange throws ends its connection and nothing else.")]
    private bool TryComplete(IAuthenticationExchange exchange, ReadOnlyMemory<byte>? data)
    {
        try
        {
            exchange.Complete(data ?? default);
        }
        catch (Exception failure)
        {
            Fail(failure);
            return false;
        }

        ScheduledCompletion<ValueTuple>? waiting;
        lock (_lock)
        {
            _exchange = null;
            waiting = _reauthenticated;
            _reauthenticated = null;
        }

        waiting?.TrySetResult(default);
        return true;
    }

    /// <summary>Our turn, under the lock; the exchange itself runs without it.</summary>
    private void Answer(ReasonCode reason, Func<CancellationToken, ValueTask<ReadOnlyMemory<byte>?>> data)
    {
        _isOurTurn = true;
        _answering = session.Scheduler.Run(() => SendAsync(reason, data));
    }

    [SuppressMessage("Design", "CA1031", Justification = "Whatever an exchange throws ends its connection and nothing else.")]
    private async Task SendAsync(ReasonCode reason, Func<CancellationToken, ValueTask<ReadOnlyMemory<byte>?>> data)
    {
        try
        {
            var bytes = new ArrayBufferWriter<byte>();
            var answer = Fitting(await data(ended).ConfigureAwait(false));
            var packet = new AuthPacket { ReasonCode = reason, AuthenticationMethod = _method, AuthenticationData = answer };
            packet.WriteTo(bytes, ProtocolVersion.V5);
            lock (_lock)
            {
                if (bytes.WrittenCount > _maximumPacketSize)
                {
                    throw new InvalidOperationException(
                        $"AUTH has {bytes.WrittenCount} bytes; the server accepts {_maximumPacketSize} [MQTT-3.2.2-15].");
                }

                // Before it is sent: the server may answer at once.
                _isOurTurn = false;
            }

            session.Authenticate(bytes.WrittenSpan);
        }
        catch (Exception failure)
        {
            Fail(failure);
        }
    }

    private void Fail(Exception failure) => end(new ConnectionEnd($"The authentication failed: {failure.Message}")
    {
        Cause = failure,
        ReasonCode = ReasonCode.UnspecifiedError,
        Farewell = new DisconnectPacket { ReasonCode = ReasonCode.UnspecifiedError },
    });
}
