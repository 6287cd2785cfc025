using System.Text;
using Antiphon.Protocol.Wire;

namespace Antiphon.Protocol.Topics;

/// <summary>What a Topic Name may look like (MQTT 5 §4.7).</summary>
public static class TopicName
{
    /// <summary>Looks for the wildcards <c>+</c> and <c>#</c>, which a Topic Name must not hold [MQTT-3.3.2-2].</summary>
    /// <param name="utf8">The Topic Name in UTF-8.</param>
    /// <returns>A fault with 0x90, or none.</returns>
    public static Fault CheckWildcards(ReadOnlySpan<byte> utf8) => utf8.ContainsAny((byte)'+', (byte)'#') ? Wildcard(utf8) : default;

    /// <summary>Checks a Topic Name that the caller wants to send.</summary>
    /// <param name="topic">1 to 65,535 bytes in UTF-8, without wildcards, U+0000 and lone surrogates.</param>
    /// <param name="parameterName">The caller's parameter, for the exception.</param>
    /// <exception cref="ArgumentException">It is not a Topic Name; the message says why.</exception>
    public static void ThrowIfInvalid(string topic, string parameterName) => Check(topic, parameterName);

    /// <summary>Checks as <see cref="ThrowIfInvalid"/> does.</summary>
    /// <returns>How many bytes it has in UTF-8, for <see cref="WireWriter.WriteUtf8"/>.</returns>
    internal static int Check(string topic, string parameterName)
    {
        ArgumentException.ThrowIfNullOrEmpty(topic, parameterName);
        var bytes = Utf8Text.GetByteCount(topic, parameterName);
        if (topic.AsSpan().ContainsAny('+', '#'))
        {
            throw new ArgumentException(
                $"The Topic Name «{topic}» holds a wildcard; + and # belong into Topic Filters only [MQTT-3.3.2-2].", parameterName);
        }

        return bytes;
    }

    private static Fault Wildcard(ReadOnlySpan<byte> utf8) =>
        new(
            ReasonCode.TopicNameInvalid,
            $"The Topic Name «{Utf8Text.Excerpt(Encoding.UTF8.GetString(utf8))}» holds a wildcard [MQTT-3.3.2-2].");
}
