using System.Diagnostics.CodeAnalysis;
using Antiphon.Broker.Connections;
using Antiphon.Broker.Timing;

namespace Antiphon.Broker.Access;

/// <summary>
/// One packet that waits for the application's authorizer, and what is asked about it. The engine makes it and hands it out;
/// <see cref="RunAsync"/> is called once, on another thread, and the question comes back as a command. All else is the engine's thread's.
/// </summary>
[SuppressMessage("Reliability", "CA1001", Justification = "A source without a timer holds nothing to dispose of.")]
internal sealed class AuthorizationQuestion
{
    private readonly CancellationTokenSource _cancellation = new();
    private readonly IReadOnlyList<AuthorizationRequest?> _requests;
    private readonly bool _isSubscribe;

    // Written by the thread that asks, read by the engine's, which may have no more patience.
    private readonly AuthorizationResult?[] _results;

    /// <param name="connection">Whose packet it is.</param>
    /// <param name="requests">What is asked, one after the other; <c>null</c>: nothing, in that place.</param>
    /// <param name="isSubscribe">
    /// Whether they are pairs of <see cref="Permissions.Respond"/> and <see cref="Permissions.Subscribe"/>, of which the second is asked
    /// only where the first is not allowed.
    /// </param>
    public AuthorizationQuestion(Connection connection, IReadOnlyList<AuthorizationRequest?> requests, bool isSubscribe = false)
    {
        Connection = connection;
        _isSubscribe = isSubscribe;
        _requests = requests;
        _results = new AuthorizationResult?[requests.Count];
        Deadline = new Deadline(this);
    }

    public Connection Connection { get; }

    /// <summary>When patience ends.</summary>
    public Deadline Deadline { get; }

    /// <summary>The CONNECT whose Will it is about; <c>null</c>: it is about a packet that is held in the connection's input.</summary>
    public PendingConnect? Pending { get; init; }

    /// <summary>Whether the packet may go on. What was not found out is refused.</summary>
    public bool IsAnswered { get; private set; }

    /// <summary>Whether it took too long.</summary>
    public bool IsLate { get; private set; }

    /// <summary>Whether nobody waits for it any more.</summary>
    public bool IsAbandoned => IsAnswered || Connection.Question != this;

    /// <summary>How often the authorizer has thrown; known once it has run.</summary>
    public int Failures { get; private set; }

    /// <summary>What it threw first; <c>null</c>: nothing.</summary>
    public Exception? Failure { get; private set; }

    /// <summary>What hears of an exception that foreign code has thrown when it was told to give up.</summary>
    public Action<Exception>? OnFailedCancel { get; set; }

    /// <summary>Asks, one after the other. Never fails.</summary>
    public async Task RunAsync(IAuthorizer authorizer)
    {
        for (var i = 0; i < _requests.Count && !_cancellation.IsCancellationRequested; i++)
        {
            var isSettled = _isSubscribe && i % 2 == 1 && _results[i - 1] is { Decision: AuthorizationDecision.Allowed };
            if (_requests[i] is { } request && !isSettled)
            {
                Volatile.Write(ref _results[i], await AskAsync(authorizer, request).ConfigureAwait(false));
            }
        }
    }

    /// <summary>What was decided; <c>null</c>: nothing, or it was not asked.</summary>
    public AuthorizationResult? ResultOf(int request) => Volatile.Read(ref _results[request]);

    /// <summary>Nothing more is waited for.</summary>
    public void Complete() => IsAnswered = true;

    /// <summary>It has taken too long: what is known holds, and no more is waited for.</summary>
    public void GiveUp()
    {
        IsAnswered = IsLate = true;
        Cancel();
    }

    /// <summary>Nobody waits for it any more.</summary>
    public void Cancel()
    {
        // What hangs on the token is foreign code, and not to be run on the engine's thread.
        _ = CancelAsync();
    }

    private async ValueTask<AuthorizationResult?> AskAsync(IAuthorizer authorizer, AuthorizationRequest request)
    {
        try
        {
            return await authorizer.AuthorizeAsync(request, _cancellation.Token).ConfigureAwait(false)
                ?? throw new InvalidOperationException("The authorizer has returned null.");
        }
        catch (Exception failure) when (failure is not OutOfMemoryException)
        {
            if (!_cancellation.IsCancellationRequested)
            {
                Failure ??= failure;
                Failures++;
            }

            return null;
        }
    }

    private async Task CancelAsync()
    {
        try
        {
            await _cancellation.CancelAsync().ConfigureAwait(false);
        }
        catch (Exception failure) when (failure is not OutOfMemoryException)
        {
            OnFailedCancel?.Invoke(failure);
        }
    }
}
