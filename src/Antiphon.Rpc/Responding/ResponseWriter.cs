using Antiphon.Rpc.Wire;

namespace Antiphon.Rpc.Responding;

/// <summary>
/// The encoded properties of a response. What depends on the moment and on the request stands first, so that the rest can be said again.
/// Dispose it to give its memory back.
/// </summary>
internal ref struct ResponseWriter(Span<byte> initial)
{
    private PropertySection _properties = new(initial);
    private int _own;

    /// <summary>The whole section.</summary>
    public readonly ReadOnlySpan<byte> Written => _properties.Written;

    /// <summary>The part that is the reply's own.</summary>
    public readonly ReadOnlySpan<byte> OfReply => _properties.Written[_own..];

    /// <summary>Writes the properties of a reply.</summary>
    /// <param name="request">The request that it answers.</param>
    /// <param name="reply">The reply.</param>
    /// <param name="now">The time.</param>
    /// <exception cref="ArgumentException">The reply holds text that has no form on the wire.</exception>
    public void Write(ReceivedRequest request, in Reply reply, TimeSpan now)
    {
        Begin(request, now);
        _properties.AddPayloadFormat(reply.PayloadIsUtf8);
        _properties.AddContentType(reply.ContentType);
        _properties.AddUser(RpcPropertyName.Status, reply.Status);
        _properties.AddSentence(RpcPropertyName.StatusMessage, reply.StatusMessage);
        if (reply.IsApplicationError)
        {
            _properties.AddUser(RpcPropertyName.ApplicationError, "true"u8);
        }

        _properties.AddUser(RpcPropertyName.ProtocolVersion, RpcPropertyName.Version);
        if (reply.RetryAfter is { } retryAfter)
        {
            _properties.AddUser(RpcPropertyName.RetryAfter, (long)retryAfter.TotalMilliseconds);
        }

        _properties.AddUser(reply.UserProperties);
    }

    /// <summary>Writes the properties of a reply that was sent before.</summary>
    /// <param name="request">The request, which has come again.</param>
    /// <param name="ofReply">What was <see cref="OfReply"/> then.</param>
    /// <param name="now">The time.</param>
    public void Write(ReceivedRequest request, scoped ReadOnlySpan<byte> ofReply, TimeSpan now)
    {
        Begin(request, now);
        _properties.AddRaw(ofReply);
    }

    public void Dispose() => _properties.Dispose();

    private void Begin(ReceivedRequest request, TimeSpan now)
    {
        if (request.RemainingAt(now) is { } remaining)
        {
            _properties.AddExpiry(remaining);
        }

        if (request.HasCorrelationData)
        {
            _properties.AddCorrelation(request.Message.CorrelationData.Span);
        }

        _own = _properties.Length;
    }
}
