using System.Globalization;

namespace Antiphon.Server.Importing;

/// <summary>Translates what mosquitto bounds: option by option, a limit of ours and its value.</summary>
internal static class MosquittoLimits
{
    /// <summary>What stands around a payload in a packet, at most: the topic, properties, the fixed header.</summary>
    private const long AroundPayload = 128 * 1024;

    /// <summary>The names of the options, and whether each is about one listener.</summary>
    public static IReadOnlyDictionary<string, bool> Options { get; } = new Dictionary<string, bool>(StringComparer.Ordinal)
    {
        ["max_connections"] = true,
        ["max_qos"] = true,
        ["max_topic_alias"] = true,
        ["max_topic_alias_broker"] = true,
        ["global_max_connections"] = false,
        ["max_keepalive"] = false,
        ["max_packet_size"] = false,
        ["max_queued_bytes"] = false,
        ["max_queued_messages"] = false,
        ["memory_limit"] = false,
        ["message_size_limit"] = false,
        ["persistent_client_expiration"] = false,
        ["retain_available"] = false,
        ["sys_interval"] = false,
    };

    /// <summary>The limit that a line says; <c>null</c>: it says that there is none, or cannot be translated, which was logged.</summary>
    public static (string Name, string Value)? Translate(MosquittoLine line, TranslationLog log)
    {
        if (line.Name == "persistent_client_expiration")
        {
            return Expiry(line, log);
        }

        if (line.Name == "retain_available")
        {
            return line.Value is "true" or "1" ? null
                : line.Value is "false" or "0" ? ("retain", "false")
                : Refuse(line, log, "It has to be true or false.");
        }

        if (!long.TryParse(line.Value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value))
        {
            return Refuse(line, log, "It has to be a whole number.");
        }

        // mosquitto's word for «no limit» is -1 or 0; ours is the largest number where leaving it out means another limit.
        return (line.Name, value) switch
        {
            ("max_connections" or "global_max_connections", < 0) => null,
            ("max_connections" or "global_max_connections", _) => ("connections", Text(value)),
            ("max_qos", _) => ("qos", Text(value)),
            ("max_topic_alias", _) => ("topicAliases", Text(value)),
            ("max_topic_alias_broker", _) => ("outgoingTopicAliases", Text(value)),
            ("max_keepalive", 0) => null,
            ("max_keepalive", _) => ("keepAlive", Text(value)),
            ("max_packet_size", 0) => ("packetSize", Text(uint.MaxValue)),
            ("max_packet_size", _) => ("packetSize", Text(value)),
            ("message_size_limit", 0) => ("packetSize", Text(uint.MaxValue)),
            ("message_size_limit", _) => SizeOfMessage(line, value, log),
            ("max_queued_bytes", 0) => ("queuedBytes", Text(long.MaxValue)),
            ("max_queued_bytes", _) => ("queuedBytes", Text(value)),
            ("max_queued_messages", 0) => ("queuedMessages", Text(int.MaxValue)),
            ("max_queued_messages", _) => ("queuedMessages", Text(value)),
            ("memory_limit", 0) => null,
            ("memory_limit", _) => ("bufferBytes", Text(value)),
            ("sys_interval", _) => ("systemTopicsInterval", Text(value)),
            _ => throw new ArgumentException($"«{line.Name}» is no limit.", nameof(line)),
        };
    }

    private static (string Name, string Value)? SizeOfMessage(MosquittoLine line, long value, TranslationLog log)
    {
        log.Note(line, $"It is about the payload; the limit here is about the whole packet, and is {AroundPayload} bytes larger.");
        return ("packetSize", Text(value + AroundPayload));
    }

    /// <summary>A number and a unit, such as <c>14d</c>; a month has 30 days, a year 365.</summary>
    private static (string Name, string Value)? Expiry(MosquittoLine line, TranslationLog log)
    {
        var hours = line.Value.Length == 0 ? 0 : line.Value[^1] switch
        {
            'h' => 1L,
            'd' => 24L,
            'w' => 7 * 24L,
            'm' => 30 * 24L,
            'y' => 365 * 24L,
            _ => 0L,
        };
        return hours > 0 && uint.TryParse(line.Value[..^1], NumberStyles.None, CultureInfo.InvariantCulture, out var count) && count > 0
            ? ("sessionExpiry", Text(Math.Min(count * hours * 3600, uint.MaxValue)))
            : Refuse(line, log, "It has to be a number with h, d, w, m or y behind it.");
    }

    private static (string Name, string Value)? Refuse(MosquittoLine line, TranslationLog log, string why)
    {
        log.Refuse(line, why);
        return null;
    }

    private static string Text(long value) => value.ToString(CultureInfo.InvariantCulture);
}
