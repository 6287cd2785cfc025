namespace Antiphon.Broker.SystemTopics;

/// <summary>The space of topics in which only the broker publishes (MQTT 5 §4.7.2).</summary>
internal static class SystemTopic
{
    private const string RootText = "$SYS/";
    private const string BridgeText = "$SYS/broker/connection/";

    private static ReadOnlySpan<byte> Root => "$SYS/"u8;

    /// <summary>Whether a Topic Name or a Topic Filter is <c>$SYS</c> or lies below it.</summary>
    public static bool Includes(ReadOnlySpan<byte> topicOrFilter) =>
        topicOrFilter.StartsWith(Root) || topicOrFilter.SequenceEqual(Root[..^1]);

    /// <inheritdoc cref="Includes(ReadOnlySpan{byte})"/>
    public static bool Includes(string topicOrFilter) =>
        topicOrFilter.StartsWith(RootText, StringComparison.Ordinal) || topicOrFilter.AsSpan().SequenceEqual(RootText.AsSpan()[..^1]);

    /// <summary>
    /// Whether a Topic Name is one where bridges of mosquitto say whether they are connected, such as
    /// <c>$SYS/broker/connection/NAME/state</c>.
    /// </summary>
    public static bool IsOfBridge(string topic) => topic.StartsWith(BridgeText, StringComparison.Ordinal);

    /// <inheritdoc cref="IsOfBridge(string)"/>
    public static bool IsOfBridge(ReadOnlySpan<byte> topic) => topic.StartsWith("$SYS/broker/connection/"u8);
}
