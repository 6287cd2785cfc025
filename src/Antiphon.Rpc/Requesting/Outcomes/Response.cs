using System.Text;
using Antiphon.Protocol.Packets;
using Antiphon.Protocol.Properties;
using Antiphon.Rpc.Requesting.Calls;
using Antiphon.Rpc.Requesting.Topics;
using Antiphon.Rpc.Wire;

namespace Antiphon.Rpc;

/// <summary>
/// A Response Message. Immutable; its memory is the caller's to keep.
/// One array holds the payload and those properties that can be read here; text is made of them only when somebody asks.
/// </summary>
public readonly struct Response
{
    private const int NoStatus = -1;

    private readonly byte[]? _bytes;
    private readonly ResponseAddress? _address;
    private readonly ulong _number;
    private readonly int _payloadLength;
    private readonly int _status;

    /// <summary>Makes a response for the test of a program that asks through an <see cref="IRequester"/>.</summary>
    /// <param name="payload">The payload, copied.</param>
    /// <param name="status">The status, an HTTP status code; <c>null</c>: none.</param>
    /// <param name="statusMessage">The sentence beside the status; <c>null</c>: none.</param>
    /// <param name="contentType">What the payload is; <c>null</c>: not said.</param>
    /// <param name="userProperties">Further User Properties; <c>null</c>: none.</param>
    /// <param name="elapsed">From the call to the arrival.</param>
    /// <exception cref="ArgumentException">Some text has no form on the wire.</exception>
    public Response(
        ReadOnlyMemory<byte> payload,
        int? status = null,
        string? statusMessage = null,
        string? contentType = null,
        IReadOnlyList<UserProperty>? userProperties = null,
        TimeSpan elapsed = default)
    {
        var properties = new PropertySection(stackalloc byte[256]);
        try
        {
            properties.AddContentType(contentType);
            if (status is { } code)
            {
                properties.AddUser(RpcPropertyName.Status, code);
            }

            properties.AddUser(RpcPropertyName.StatusMessage, statusMessage);
            properties.AddUser(userProperties ?? []);
            _bytes = [.. payload.Span, .. properties.Written];
        }
        finally
        {
            properties.Dispose();
        }

        _payloadLength = payload.Length;
        _status = status ?? NoStatus;
        Elapsed = elapsed;
    }

    /// <summary>Makes a response that is text, for the test of a program that asks through an <see cref="IRequester"/>.</summary>
    /// <param name="text">The payload, in UTF-8.</param>
    /// <param name="status">The status, an HTTP status code; <c>null</c>: none.</param>
    public Response(string text, int? status = null)
        : this(Encoding.UTF8.GetBytes(text), status)
    {
    }

    internal Response(byte[] bytes, int payloadLength, ResponseAddress address, ulong number, int? status, TimeSpan elapsed)
    {
        _bytes = bytes;
        _payloadLength = payloadLength;
        _address = address;
        _number = number;
        _status = status ?? NoStatus;
        Elapsed = elapsed;
    }

    /// <summary>The payload.</summary>
    public ReadOnlyMemory<byte> Payload => _bytes.AsMemory(0, _payloadLength);

    /// <summary>The payload as UTF-8 text; bytes that are none come out as U+FFFD.</summary>
    public string Text => Encoding.UTF8.GetString(Payload.Span);

    /// <summary>What the payload is; <c>null</c>: not said.</summary>
    public string? ContentType => TryFind(PropertyIdentifier.ContentType, out var property) ? property.Text : null;

    /// <summary>Whether the payload is UTF-8 text; <c>null</c>: not said.</summary>
    public bool? PayloadIsUtf8 => TryFind(PropertyIdentifier.PayloadFormatIndicator, out var property) ? property.Number == 1 : null;

    /// <summary>User Properties in their order, those of the profile included; a new list each time.</summary>
    public IReadOnlyList<UserProperty> UserProperties
    {
        get
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

    /// <summary>The topic on which it arrived: the Response Topic of the request.</summary>
    public string Topic => _address?.Topic ?? "";

    /// <summary>The Correlation Data, 16 bytes: those of the request. A new array each time.</summary>
    public ReadOnlyMemory<byte> CorrelationData =>
        _address is null ? default(ReadOnlyMemory<byte>) : Correlation.ToBytes(_address.Prefix, _number);

    /// <summary>
    /// The status that the responder gave, an HTTP status code; <c>null</c>: it gave none.
    /// Only gathering returns responses with an error status.
    /// </summary>
    public int? Status => _bytes is null || _status == NoStatus ? null : _status;

    /// <summary>The sentence beside the status; <c>null</c>: none.</summary>
    public string? StatusMessage
    {
        get
        {
            var properties = Properties;
            while (properties.TryRead(out var property))
            {
                if (property.Identifier == PropertyIdentifier.UserProperty && property.Bytes.SequenceEqual(RpcPropertyName.StatusMessage))
                {
                    return property.Second.IsEmpty ? null : Encoding.UTF8.GetString(property.Second);
                }
            }

            return null;
        }
    }

    /// <summary>Whether the status is a success (200 to 299) or there is none.</summary>
    public bool IsSuccess => Status is null or (>= 200 and <= 299);

    /// <summary>From the call to the arrival of this message.</summary>
    public TimeSpan Elapsed { get; }

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
}
