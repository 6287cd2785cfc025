using System.Buffers;
using Antiphon.Protocol.Packets;
using Antiphon.Protocol.Properties;

namespace Antiphon.Rpc.Wire;

/// <summary>
/// Takes a Response Message out of the input in one pass over its properties:
/// what it says about how it went, and a copy of what its caller can read.
/// </summary>
internal static class ResponseReading
{
    private const int UsualProperties = 512;

    /// <summary>Reads a message.</summary>
    /// <param name="message">The message.</param>
    /// <param name="status">What it says about how it went, a view into the input.</param>
    /// <returns>One array: the payload, and behind it the properties that a response shows.</returns>
    public static byte[] Read(in PublishView message, out ResponseStatus status)
    {
        status = default;
        var rented = message.Properties.Length > UsualProperties ? ArrayPool<byte>.Shared.Rent(message.Properties.Length) : null;
        var kept = rented ?? stackalloc byte[UsualProperties];
        var length = 0;
        var properties = message.ReadProperties();
        var from = 0;
        while (properties.TryRead(out var property))
        {
            var to = properties.Position;
            if (property.Identifier == PropertyIdentifier.UserProperty)
            {
                status.Read(property.Bytes, property.Second);
            }

            // The Correlation Data is known already, and the rest is not shown.
            if (property.Identifier is PropertyIdentifier.UserProperty
                or PropertyIdentifier.ContentType
                or PropertyIdentifier.PayloadFormatIndicator)
            {
                message.Properties[from..to].CopyTo(kept[length..]);
                length += to - from;
            }

            from = to;
        }

        var bytes = GC.AllocateUninitializedArray<byte>(message.Payload.Length + length);
        message.Payload.CopyTo(bytes);
        kept[..length].CopyTo(bytes.AsSpan(message.Payload.Length));
        if (rented is not null)
        {
            ArrayPool<byte>.Shared.Return(rented);
        }

        return bytes;
    }
}
