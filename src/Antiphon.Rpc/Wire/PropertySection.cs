using System.Buffers.Text;
using System.Text;
using Antiphon.Protocol.Properties;
using Antiphon.Protocol.Wire;

namespace Antiphon.Rpc.Wire;

/// <summary>
/// Writes the properties of a PUBLISH (MQTT 5 §3.3.2.3) without making strings or objects of them. Dispose it to give its memory back.
/// </summary>
internal ref struct PropertySection(Span<byte> initial)
{
    private const int UsualSentence = 512;

    private WireWriter _writer = new(initial);

    public readonly ReadOnlySpan<byte> Written => _writer.Written;

    public readonly int Length => _writer.Length;

    /// <summary>Properties that are encoded already.</summary>
    public void AddRaw(scoped ReadOnlySpan<byte> properties) => _writer.WriteRaw(properties);

    public void AddPayloadFormat(bool? payloadIsUtf8)
    {
        if (payloadIsUtf8 is { } isUtf8)
        {
            _writer.WriteByte((byte)PropertyIdentifier.PayloadFormatIndicator);
            _writer.WriteByte(isUtf8 ? (byte)1 : (byte)0);
        }
    }

    /// <summary>
    /// The Message Expiry Interval: what remains, in whole seconds rounded up,
    /// so that the message never ends before the exact deadline does.
    /// </summary>
    public void AddExpiry(TimeSpan remaining)
    {
        _writer.WriteByte((byte)PropertyIdentifier.MessageExpiryInterval);
        _writer.WriteUInt32((uint)Math.Clamp(Math.Ceiling(remaining.TotalSeconds), 1, uint.MaxValue));
    }

    public void AddContentType(string? contentType)
    {
        if (contentType is not null)
        {
            _writer.WriteByte((byte)PropertyIdentifier.ContentType);
            _writer.WriteString(contentType);
        }
    }

    public void AddResponseTopic(string topic)
    {
        _writer.WriteByte((byte)PropertyIdentifier.ResponseTopic);
        _writer.WriteString(topic);
    }

    public void AddCorrelation(scoped ReadOnlySpan<byte> correlation)
    {
        _writer.WriteByte((byte)PropertyIdentifier.CorrelationData);
        _writer.WriteBinary(correlation);
    }

    public void AddUser(scoped ReadOnlySpan<byte> name, scoped ReadOnlySpan<byte> value)
    {
        _writer.WriteByte((byte)PropertyIdentifier.UserProperty);
        _writer.WriteBinary(name);
        _writer.WriteBinary(value);
    }

    public void AddUser(scoped ReadOnlySpan<byte> name, string? value)
    {
        if (value is not null)
        {
            _writer.WriteByte((byte)PropertyIdentifier.UserProperty);
            _writer.WriteBinary(name);
            _writer.WriteString(value);
        }
    }

    /// <summary>A sentence, whatever it holds: what no MQTT string may hold is replaced by U+FFFD, and what is too long is cut.</summary>
    public void AddSentence(scoped ReadOnlySpan<byte> name, string? sentence)
    {
        if (sentence is null)
        {
            return;
        }

        // A lone surrogate turns into U+FFFD by itself, which has the longest form that a single char can have.
        var text = sentence.Replace('\0', '\uFFFD');
        var whole = Encoding.UTF8.GetMaxByteCount(text.Length) <= UsualSentence ? UsualSentence : Encoding.UTF8.GetByteCount(text);
        var bytes = whole <= UsualSentence ? stackalloc byte[UsualSentence] : new byte[whole];
        bytes = bytes[..Encoding.UTF8.GetBytes(text, bytes)];
        if (bytes.Length > ushort.MaxValue)
        {
            var end = (int)ushort.MaxValue;
            while ((bytes[end] & 0xC0) == 0x80)
            {
                end--;
            }

            bytes = bytes[..end];
        }

        AddUser(name, bytes);
    }

    public void AddUser(scoped ReadOnlySpan<byte> name, long value)
    {
        Span<byte> digits = stackalloc byte[20];
        Utf8Formatter.TryFormat(value, digits, out var length);
        AddUser(name, digits[..length]);
    }

    public void AddUser(IReadOnlyList<UserProperty> properties)
    {
        for (var i = 0; i < properties.Count; i++)
        {
            _writer.WriteByte((byte)PropertyIdentifier.UserProperty);
            _writer.WriteString(properties[i].Name);
            _writer.WriteString(properties[i].Value);
        }
    }

    public void Dispose() => _writer.Dispose();
}
