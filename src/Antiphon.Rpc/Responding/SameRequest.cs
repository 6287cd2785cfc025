
namespace Antiphon.Rpc.Responding;

/// <summary>Which two requests may be the same one come twice: everything but the payload, which the caller compares.</summary>
internal sealed class SameRequest : IEqualityComparer<ReceivedRequest>
{
    public static readonly SameRequest Comparer = new();

    public bool Equals(ReceivedRequest? x, ReceivedRequest? y) =>
        ReferenceEquals(x, y)
        || (x is not null && y is not null
            && ReferenceEquals(x.Registration, y.Registration)
            && x.IsOfProfile == y.IsOfProfile
            && (x.IsOfProfile || (x.PacketIdentifier == y.PacketIdentifier && x.Session == y.Session))
            && x.Message.CorrelationData.Span.SequenceEqual(y.Message.CorrelationData.Span)
            && x.Request.ResponseTopic == y.Request.ResponseTopic
            && x.Request.Topic == y.Request.Topic);

    public int GetHashCode(ReceivedRequest obj)
    {
        var hash = default(HashCode);
        hash.AddBytes(obj.Message.CorrelationData.Span);
        hash.Add(obj.Request.ResponseTopic);
        if (!obj.IsOfProfile)
        {
            hash.Add(obj.PacketIdentifier);
        }

        return hash.ToHashCode();
    }
}
