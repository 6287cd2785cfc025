using Antiphon.Broker.Access;
using Antiphon.Protocol.Wire;
using Microsoft.Extensions.Logging;

namespace Antiphon.Broker.Transport;

/// <summary>
/// Puts the engine's questions to the application's authorizer on other threads, so many at once, in the order in which they were asked.
/// All but the asking itself happens on the loop's thread.
/// </summary>
internal sealed partial class AuthorizationRunner(EngineShell shell, ILogger logger, IAuthorizer authorizer, int maximum)
{
    private readonly Queue<AuthorizationQuestion> _waiting = new();
    private int _running;

    public void Start(AuthorizationQuestion question)
    {
        _waiting.Enqueue(question);
        RunNext();
    }

    private void RunNext()
    {
        while (_running < maximum && _waiting.TryDequeue(out var question))
        {
            if (!question.IsAbandoned)
            {
                _running++;
                question.OnFailedCancel = shell.Report;
                _ = Task.Run(() => RunAsync(question));
            }
        }
    }

    private async Task RunAsync(AuthorizationQuestion question)
    {
        await question.RunAsync(authorizer).ConfigureAwait(false);
        shell.Post(() => Return(question));
    }

    private void Return(AuthorizationQuestion question)
    {
        _running--;
        RunNext();
        var connection = question.Connection;
        try
        {
            if (question.Failure is { } failure && !connection.IsAuthorizerNoted)
            {
                connection.IsAuthorizerNoted = true;
                LogFailed(logger, Utf8Text.Excerpt(connection.ClientId ?? ""), failure);
            }

            shell.Engine.Authorized(question, shell.Now);
        }
        catch (Exception defect) when (defect is not OutOfMemoryException)
        {
            shell.Fail(connection, defect);
        }
    }

    [LoggerMessage(
        EventId = 1120,
        Level = LogLevel.Error,
        Message = "The authorizer failed about client «{ClientId}», which was refused what it asked for; more of that is only counted")]
    private static partial void LogFailed(ILogger logger, string clientId, Exception failure);
}
