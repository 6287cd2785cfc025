using Antiphon.Broker.Connections;
using Antiphon.Protocol;

namespace Antiphon.Broker.Authentication;

/// <summary>
/// One question to an authenticator or to an exchange. The engine makes it and hands it out;
/// <see cref="RunAsync"/> is called once, on another thread, and what comes of it returns to the engine as a command.
/// </summary>
internal sealed class AuthenticationStep : IDisposable
{
    private readonly CancellationTokenSource _cancellation = new();
    private readonly ITimer _timer;
    private volatile Func<AuthenticationStep, ValueTask<AuthenticationResult>> _run;

    private AuthenticationStep(Connection connection, BrokerOptions options, Func<AuthenticationStep, ValueTask<AuthenticationResult>> run)
    {
        Connection = connection;
        _run = run;

        // Not the source's own timer: what hangs on the token would run on it unguarded, and an exception there ends the process.
        _timer = options.TimeProvider.CreateTimer(
            step => ((AuthenticationStep)step!).Cancel(), this, options.ConnectTimeout, Timeout.InfiniteTimeSpan);
    }

    public Connection Connection { get; }

    public CancellationToken Token => _cancellation.Token;

    /// <summary>The exchange that it belongs to, once it has run; <c>null</c>: none.</summary>
    public IAuthenticationExchange? Exchange { get; private set; }

    /// <summary>Whether nobody waits for it any more. Owned by the engine's thread, as the connection is.</summary>
    public bool IsAbandoned => Connection.Inquiry?.Step != this;

    public static AuthenticationStep ByAuthenticator(Connection connection, ConnectingClient client, BrokerOptions options)
    {
        var authenticator = options.Authenticator!;
        return new AuthenticationStep(connection, options, step => authenticator.AuthenticateAsync(client, step.Token));
    }

    public static AuthenticationStep First(
        Connection connection, ConnectingClient client, ReadOnlyMemory<byte>? data, BrokerOptions options)
    {
        var method = connection.Inquiry!.Method!;
        return new AuthenticationStep(connection, options, step => (step.Exchange = method.Begin(client)).NextAsync(data, step.Token));
    }

    public static AuthenticationStep Next(Connection connection, ReadOnlyMemory<byte>? data, BrokerOptions options) =>
        new(connection, options, step => step.Exchange!.NextAsync(data, step.Token)) { Exchange = connection.Inquiry!.Exchange };

    /// <summary>What hears of an exception that foreign code has thrown when it was told to give up.</summary>
    public Action<Exception>? OnFailedCancel { get; set; }

    public ValueTask<AuthenticationResult> RunAsync() => _run(this);

    /// <summary>
    /// Nobody waits for it any more. It may stand in a queue for a while: what it would ask with is forgotten now.
    /// </summary>
    public void Abandon()
    {
        _run = static _ => new(AuthenticationResult.Reject(ReasonCode.ServerUnavailable));
        Cancel();
    }

    /// <summary>Nobody waits for it any more, or its time is over. Safe from any thread.</summary>
    public void Cancel()
    {
        // What hangs on the token is foreign code, and not to be run on the engine's thread.
        _ = CancelAsync();
    }

    /// <summary>It has run to its end.</summary>
    public void Dispose()
    {
        _timer.Dispose();
        if (!_cancellation.IsCancellationRequested)
        {
            _cancellation.Dispose();
        }
    }

    private async Task CancelAsync()
    {
        try
        {
            await _cancellation.CancelAsync().ConfigureAwait(false);
        }
        catch (ObjectDisposedException)
        {
            // It has run to its end at the same moment.
        }
        catch (Exception failure) when (failure is not OutOfMemoryException)
        {
            OnFailedCancel?.Invoke(failure);
        }
    }
}
