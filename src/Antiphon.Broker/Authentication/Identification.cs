using System.Diagnostics.CodeAnalysis;
using Antiphon.Broker.Access;
using Antiphon.Broker.Buffers;
using Antiphon.Broker.Connections;
using Antiphon.Broker.Sessions;
using Antiphon.Broker.Timing;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;
using Antiphon.Protocol.Wire;

namespace Antiphon.Broker.Authentication;

/// <summary>
/// Who may connect, and who may stay: user names and passwords (MQTT 5 §3.1.3.5, §3.1.3.6),
/// exchanges by AUTH (§4.12) and re-authentication (§4.12.1). What takes time is handed out as steps and comes back through
/// <see cref="TryIdentify"/>.
/// </summary>
internal sealed class Identification
{
    private readonly OptionsInForce _options;
    private readonly Closer _closer;
    private readonly TimingWheel _wheel;
    private readonly FlushList _flushList;
    private readonly Queue<AuthenticationStep> _started = new();
    private readonly EngineCounters _counters;

    /// <summary>What the CONNECTs take that wait for who their clients are.</summary>
    private readonly MemoryAccount _pending = new();

    public Identification(OptionsInForce options, Closer closer, TimingWheel wheel, FlushList flushList, EngineCounters counters)
    {
        _counters = counters;
        _options = options;
        _closer = closer;
        _wheel = wheel;
        _flushList = flushList;
    }

    private IAuthenticationMethod? FindMethod(string name) =>
        _options.Current.AuthenticationMethods.FirstOrDefault(method => method.Name == name);

    /// <summary>Takes the next step that is to be run elsewhere.</summary>
    public bool TryTakeStarted([NotNullWhen(true)] out AuthenticationStep? step) => _started.TryDequeue(out step);

    /// <summary>Judges what needs no asking.</summary>
    public Fault Check(ConnectPacket connect)
    {
        if (connect.AuthenticationMethod is { } name)
        {
            return FindMethod(name) is not null
                ? CheckRoom(connect)
                : new Fault(
                    ReasonCode.BadAuthenticationMethod,
                    $"The Authentication Method «{Utf8Text.Excerpt(name)}» is not supported here {SupportedMethods} [MQTT-4.12.0-1].");
        }

        if (_options.Current.Authenticator is not null)
        {
            return CheckRoom(connect);
        }

        return _options.Current is { IdentifiesClients: true, AllowAnonymous: false } ? Anonymous : default;
    }

    /// <summary>
    /// Asks who the client is. Until the answer is there, the connection is <see cref="ConnectionPhase.Authenticating"/>.
    /// </summary>
    /// <returns><c>false</c>: nobody has to be asked.</returns>
    public bool TryBegin(Connection connection, ConnectPacket connect)
    {
        var client = new ConnectingClient
        {
            ClientId = connect.ClientId,
            UserName = connect.UserName,
            Password = connect.Password,
            Origin = connection.Origin,
            ProtocolVersion = connect.ProtocolVersion,
        };
        if (connect.AuthenticationMethod is { } name)
        {
            connection.Inquiry = new Inquiry(connect, SessionMemory.SizeOf(connect), _pending) { Method = FindMethod(name) };
            Start(AuthenticationStep.First(connection, client, connect.AuthenticationData, _options.Current));
        }
        else if (_options.Current.Authenticator is not null)
        {
            connection.Inquiry = new Inquiry(connect, SessionMemory.SizeOf(connect), _pending);
            Start(AuthenticationStep.ByAuthenticator(connection, client, _options.Current));
        }
        else
        {
            return false;
        }

        connection.Phase = ConnectionPhase.Authenticating;
        return true;
    }

    /// <summary>AUTH came.</summary>
    /// <returns>What is wrong with it; default: nothing.</returns>
    public Fault ReceiveAuth(Connection connection, AuthPacket auth)
    {
        if (connection.Inquiry is not { Method: { } method } inquiry)
        {
            return Fault.Protocol("AUTH on a connection whose CONNECT had no Authentication Method [MQTT-4.12.0-7].");
        }

        if (auth.AuthenticationMethod != method.Name)
        {
            return Fault.Protocol(
                $"AUTH has the Authentication Method «{Utf8Text.Excerpt(auth.AuthenticationMethod ?? "")}»; "
                    + $"CONNECT had «{method.Name}» [MQTT-4.12.0-5, MQTT-4.12.1-1].");
        }

        switch (auth.ReasonCode)
        {
            case ReasonCode.ContinueAuthentication when inquiry.Exchange is not null && inquiry.Step is null:
                Start(AuthenticationStep.Next(connection, auth.AuthenticationData, _options.Current));
                return default;
            case ReasonCode.ReAuthenticate when connection.Phase == ConnectionPhase.Connected && inquiry is { Exchange: null, Step: null }:
                var client = new ConnectingClient
                {
                    ClientId = connection.ClientId!,
                    UserName = connection.UserName,
                    Origin = connection.Origin,
                    ProtocolVersion = connection.Version,
                };
                Start(AuthenticationStep.First(connection, client, auth.AuthenticationData, _options.Current));
                return default;
            default:
                return Fault.Protocol($"AUTH with 0x{(byte)auth.ReasonCode:X2} came out of turn [MQTT-4.12.0-3, MQTT-4.12.1-1].");
        }
    }

    /// <summary>A step has run.</summary>
    /// <returns>Whether the client has proved who it is, and its CONNECT is to be accepted.</returns>
    public bool TryIdentify(AuthenticationStep step, AuthenticationResult result, Instant now)
    {
        step.Dispose();
        var connection = step.Connection;
        if (step.IsAbandoned)
        {
            return false;
        }

        var inquiry = connection.Inquiry!;
        var gone = inquiry.Gone;
        inquiry.EndStep();
        switch (result.ReasonCode)
        {
            case ReasonCode.Success when result.User is { Name: var name } && gone?.Contains(name) == true:
                _closer.Refuse(connection, NoMore(name), now);
                return false;
            case ReasonCode.Success when result.User is null
                && !_options.Current.AllowAnonymous
                && inquiry.Pending is { AuthenticationMethod: null, UserName: null, Password: null }:
                _closer.Refuse(connection, Anonymous, now);
                return false;
            case ReasonCode.Success when connection.Phase == ConnectionPhase.Authenticating:
                Believe(connection, result.User, now);
                return true;
            case ReasonCode.Success when connection.UserName != result.User?.Name:
                Refuse(
                    connection,
                    AuthenticationResult.Reject(
                        ReasonCode.NotAuthorized, "Re-authentication as another user; a connection keeps the one it has."),
                    now);
                return false;
            case ReasonCode.ContinueAuthentication when step.Exchange is not null:
                inquiry.Exchange = step.Exchange;
                Answer(connection, result, now);
                return false;
            case ReasonCode.Success:
                Believe(connection, result.User, now);
                connection.Session!.ConnectedBy(result.User);
                Answer(connection, result, now);
                return false;
            case ReasonCode.ContinueAuthentication:
                throw new InvalidOperationException("An authenticator of passwords answered Continue, which only an exchange may.");
            default:
                Refuse(connection, result, now);
                return false;
        }
    }

    /// <summary>Users are no more: nobody connects as one of them who has been asked about before.</summary>
    /// <param name="connections">All connections.</param>
    /// <param name="userNames">The users.</param>
    /// <param name="now">The current instant.</param>
    public void EndUsers(IReadOnlyList<Connection> connections, IReadOnlyCollection<string> userNames, Instant now)
    {
        var gone = userNames.ToHashSet(StringComparer.Ordinal);
        foreach (var connection in connections.Where(connection => connection.Phase == ConnectionPhase.Authenticating))
        {
            if (connection.UserName is { } name && gone.Contains(name))
            {
                // It waits for its Will to be judged.
                _closer.Refuse(connection, NoMore(name), now);
            }
            else
            {
                connection.Inquiry?.EndUsers(gone);
            }
        }
    }

    /// <summary>The proof of who the client is has expired.</summary>
    public void Expire(Connection connection, Instant now) =>
        _closer.Refuse(
            connection, new Fault(ReasonCode.NotAuthorized, "The proof of who the client is, such as a token, has expired."), now);

    /// <summary>The client, or who was asked about it, took too long.</summary>
    public void TimeOut(Connection connection, Instant now)
    {
        var late = connection.Inquiry!.Step is not null
            ? AuthenticationResult.Reject(
                ReasonCode.ServerUnavailable, $"Authentication took longer than {_options.Current.ConnectTimeout.TotalSeconds} s.")
            : AuthenticationResult.Reject(
                ReasonCode.NotAuthorized, $"No AUTH came within {_options.Current.ConnectTimeout.TotalSeconds} s (MQTT 5 §4.12).");
        Refuse(connection, late, now);
    }

    /// <summary>Many may wait at once; together they have a sixteenth of what Sessions may take.</summary>
    private Fault CheckRoom(ConnectPacket connect)
    {
        if (_pending.Bytes == 0 || _pending.Bytes + SessionMemory.SizeOf(connect) <= _options.Current.MaximumSessionBytes / 16)
        {
            return default;
        }

        _counters.RefusedClients++;
        return new Fault(ReasonCode.ServerBusy, "Too many clients wait for it to be found out who they are; try again later.");
    }

    private string SupportedMethods => _options.Current.AuthenticationMethods is { Count: > 0 } methods
        ? $"({string.Join(", ", methods.Select(method => method.Name))})"
        : "(none is)";

    private static Fault NoMore(string userName) =>
        new(ReasonCode.NotAuthorized, $"The user «{Utf8Text.Excerpt(userName)}» is no more.");

    private static Fault Anonymous =>
        new(
            ReasonCode.NotAuthorized,
            "Clients have to say who they are; this one has not, or not in a way that this broker checks (MQTT 5 §4.12).");

    private void Believe(Connection connection, ClientUser? user, Instant now)
    {
        connection.User = user;
        if (user?.ValidFor is { } validFor)
        {
            _wheel.Set((connection.ProofExpiry ??= new ProofExpiry(connection)).Deadline, now + validFor);
        }
        else if (connection.ProofExpiry is { } proof)
        {
            _wheel.Cancel(proof.Deadline);
        }
    }

    private void Start(AuthenticationStep step)
    {
        step.Connection.Inquiry!.Step = step;
        _started.Enqueue(step);
    }

    private void Answer(Connection connection, AuthenticationResult result, Instant now)
    {
        var auth = new AuthPacket
        {
            ReasonCode = result.ReasonCode,
            AuthenticationMethod = connection.Inquiry!.Method!.Name,
            AuthenticationData = result.Data,
        };
        if (connection.TryWrite(auth))
        {
            _flushList.Mark(connection);
        }
        else
        {
            _closer.Refuse(
                connection,
                new Fault(
                    ReasonCode.PacketTooLarge,
                    $"AUTH is larger than the client's Maximum Packet Size of {connection.MaximumPacketSize} bytes [MQTT-3.1.2-24]."),
                now);
        }
    }

    private void Refuse(Connection connection, AuthenticationResult result, Instant now)
    {
        var code = result.ReasonCode;
        if (connection.Phase == ConnectionPhase.Connected && code is ReasonCode.BadUserNameOrPassword
            or ReasonCode.Banned or ReasonCode.ServerUnavailable
            or ReasonCode.ClientIdentifierNotValid or ReasonCode.UnsupportedProtocolVersion)
        {
            // DISCONNECT does not have these [MQTT-3.14.2-1].
            code = ReasonCode.NotAuthorized;
        }

        _closer.Refuse(connection, new Fault(code, result.ReasonString ?? "The client was not let in."), now, result.ServerReference);
    }
}
