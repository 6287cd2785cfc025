using System.Text;
using Antiphon.Protocol.Packets;
using Antiphon.Protocol.Properties;

namespace Antiphon.Rpc.Wire;

/// <summary>
/// A message copied out of the input once, payload and properties in one array; text is made of them only when somebody asks.
/// </summary>
internal sealed class MessageCopy
{
    private readonly byte[] _bytes;
    private readonly int _payloadLength;
    private readonly int _correlationStart;
    private readonly int _correlationLength;
    private IReadOnlyList<UserProperty>? _userProperties;

    public MessageCopy(in PublishView message)
    {
        _bytes = GC.AllocateUninitializedArray<byte>(message.Payload.Length + message.Properties.Length);
        message.Payload.CopyTo(_bytes);
        message.Properties.CopyTo(_bytes.AsSpan(message.Payload.Length));
        _payloadLength = message.Payload.Length;
        if (message.Properties.Overlaps(message.CorrelationData, out var offset))
        {
            _correlationStart = _payloadLength + offset;
            _correlationLength = message.CorrelationData.Length;
        }
    }

    /// <summary>How many bytes it keeps.</summary>
    public int Size => _bytes.Length;

    public ReadOnlyMemory<byte> Payload => _bytes.AsMemory(0, _payloadLength);

    public ReadOnlyMemory<byte> CorrelationData => _bytes.AsMemory(_correlationStart, _correlationLength);

    /// <summary>Whether there is Correlation Data; it may be empty.</summary>
    public bool HasCorrelationData => _correlationLength > 0 || TryFind(PropertyIdentifier.CorrelationData, out _);

    public string Text => Encoding.UTF8.GetString(Payload.Span);

    public string? ContentType => TryFind(PropertyIdentifier.ContentType, out var property) ? property.Text : null;

    public bool? PayloadIsUtf8 => TryFind(PropertyIdentifier.PayloadFormatIndicator, out var property) ? property.Number == 1 : null;

    public IReadOnlyList<UserProperty> UserProperties => _userProperties ??= ReadUserProperties();

    private PropertyReader Properties => new PublishView { Properties = _bytes.AsSpan(_payloadLength) }.ReadProperties();

    private bool TryFind(PropertyIdentifier identifier, out Property found)
    {
        var properties = Properties;
        while (properties.TryRead(out found))
        {
            if (found.Identifier == identifier)
            {
                return true;
            }
        }

        return false;
    }

    private List<UserProperty> ReadUserProperties()
    {
        var list = new List<UserProperty>();
        var properties = Properties;
        while (properties.TryRead(out var property))
        {
            if (property.Identifier == PropertyIdentifier.UserProperty)
            {
                list.Add(property.Pair);
            }
        }

        return list;
    }
}
