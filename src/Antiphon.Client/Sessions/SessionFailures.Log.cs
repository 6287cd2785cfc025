using Antiphon.Protocol;
using Microsoft.Extensions.Logging;

namespace Antiphon.Client.Sessions;

internal sealed partial class SessionFailures
{
    [LoggerMessage(
        EventId = 20, Level = LogLevel.Error,
        Message = "The handler of «{TopicFilter}» threw; the message is acknowledged all the same. Further ones are logged at Debug")]
    private partial void LogHandlerFailed(Exception exception, string topicFilter);

    [LoggerMessage(EventId = 21, Level = LogLevel.Debug, Message = "The handler of «{TopicFilter}» threw again")]
    private partial void LogHandlerFailedAgain(Exception exception, string topicFilter);

    [LoggerMessage(EventId = 22, Level = LogLevel.Warning, Message = "The server refused {Operation} «{TopicFilter}»: {ReasonCode}")]
    private partial void LogRefused(string operation, string topicFilter, ReasonCode reasonCode);

    [LoggerMessage(EventId = 23, Level = LogLevel.Error, Message = "A callback on a handler's cancellation token threw")]
    private partial void LogCallbackFailed(Exception exception);

    [LoggerMessage(
        EventId = 24, Level = LogLevel.Warning,
        Message = "The server has sent more than the Receive Maximum of {ReceiveMaximum}; its messages are taken all the same, "
            + "further ones counted")]
    private partial void LogReceiveMaximumExceeded(ushort receiveMaximum);

    [LoggerMessage(
        EventId = 27, Level = LogLevel.Warning,
        Message = "The server has passed a message on that no handler can have: {Flaw} It is acknowledged with an error; further ones "
            + "are counted")]
    private partial void LogFlawedMessage(string flaw);

    [LoggerMessage(
        EventId = 25, Level = LogLevel.Error,
        Message = "The session store failed; the Session goes on in memory, and a restart may repeat what the store has not heard of. "
            + "Further failures are counted")]
    private partial void LogStoreFailed(Exception exception);

    [LoggerMessage(
        EventId = 26, Level = LogLevel.Warning,
        Message = "A message that an earlier client had left behind ended without success; nobody waits for it any more. Further ones "
            + "are counted")]
    private partial void LogRestoredPublishFailed(Exception exception);
}
