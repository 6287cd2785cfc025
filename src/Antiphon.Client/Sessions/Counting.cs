namespace Antiphon.Client.Sessions;

/// <summary>What is counted on several threads. Safe from any thread.</summary>
internal sealed class Counting
{
    private long _messagesReceived;
    private long _bytesSent;
    private long _bytesReceived;
    private long _reconnects;
    private long _unhandled;
    private long _dropped;
    private long _handlerFailures;
    private long _receiveMaximumExceeded;
    private long _flawedMessages;
    private long _storeFailures;
    private long _restoredPublishFailures;

    public void MessageReceived() => Interlocked.Increment(ref _messagesReceived);

    public void BytesSent(int count) => Interlocked.Add(ref _bytesSent, count);

    public void BytesReceived(int count) => Interlocked.Add(ref _bytesReceived, count);

    public void Reconnected() => Interlocked.Increment(ref _reconnects);

    public void Unhandled() => Interlocked.Increment(ref _unhandled);

    public void Dropped(int count) => Interlocked.Add(ref _dropped, count);

    public long HandlerFailed() => Interlocked.Increment(ref _handlerFailures);

    public long ReceiveMaximumExceeded() => Interlocked.Increment(ref _receiveMaximumExceeded);

    public long FlawedMessage() => Interlocked.Increment(ref _flawedMessages);

    public long StoreFailed() => Interlocked.Increment(ref _storeFailures);

    public long RestoredPublishFailed() => Interlocked.Increment(ref _restoredPublishFailures);

    public MqttClientCounters Snapshot(long messagesSent) => new()
    {
        MessagesSent = messagesSent,
        MessagesReceived = Interlocked.Read(ref _messagesReceived),
        BytesSent = Interlocked.Read(ref _bytesSent),
        BytesReceived = Interlocked.Read(ref _bytesReceived),
        Reconnects = Interlocked.Read(ref _reconnects),
        UnhandledMessages = Interlocked.Read(ref _unhandled),
        DroppedMessages = Interlocked.Read(ref _dropped),
        HandlerFailures = Interlocked.Read(ref _handlerFailures),
        RestoredPublishFailures = Interlocked.Read(ref _restoredPublishFailures),
        FlawedMessages = Interlocked.Read(ref _flawedMessages),
        SessionStoreFailures = Interlocked.Read(ref _storeFailures),
        ReceiveMaximumExceeded = Interlocked.Read(ref _receiveMaximumExceeded),
    };
}
