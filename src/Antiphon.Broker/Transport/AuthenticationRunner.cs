using Antiphon.Broker.Authentication;
using Antiphon.Protocol;
using Antiphon.Protocol.Wire;
using Microsoft.Extensions.Logging;

namespace Antiphon.Broker.Transport;

/// <summary>
/// Runs the engine's steps of authentication on other threads, so many at once, in the order in which they were started.
/// All but the steps themselves happens on the loop's thread.
/// </summary>
internal sealed partial class AuthenticationRunner(EngineShell shell, ILogger logger)
{
    private readonly Queue<AuthenticationStep> _waiting = new();
    private int _running;

    public void Start(AuthenticationStep step)
    {
        _waiting.Enqueue(step);
        RunNext();
    }

    private void RunNext()
    {
        while (_running < shell.Engine.Options.MaximumConcurrentAuthentications && _waiting.TryDequeue(out var step))
        {
            if (!step.IsAbandoned)
            {
                _running++;
                step.OnFailedCancel = shell.Report;
                _ = Task.Run(() => RunAsync(step));
            }
        }
    }

    private async Task RunAsync(AuthenticationStep step)
    {
        AuthenticationResult result;
        try
        {
            step.Token.ThrowIfCancellationRequested();
            result = await step.RunAsync().ConfigureAwait(false);
        }
        catch (Exception failure) when (failure is not OutOfMemoryException)
        {
            if (!step.Token.IsCancellationRequested)
            {
                LogFailed(logger, Utf8Text.Excerpt(step.Connection.ClientId ?? ""), failure);
            }

            result = AuthenticationResult.Reject(ReasonCode.ServerUnavailable, "It could not be found out who the client is.");
        }

        shell.Post(() => Return(step, result));
    }

    private void Return(AuthenticationStep step, AuthenticationResult result)
    {
        _running--;
        RunNext();
        try
        {
            shell.Engine.Authenticated(step, result, shell.Now);
        }
        catch (Exception defect) when (defect is not OutOfMemoryException)
        {
            shell.Fail(step.Connection, defect);
        }
    }

    [LoggerMessage(
        EventId = 1104,
        Level = LogLevel.Error,
        Message = "The authentication of client «{ClientId}» failed; the client was refused")]
    private static partial void LogFailed(ILogger logger, string clientId, Exception failure);
}
