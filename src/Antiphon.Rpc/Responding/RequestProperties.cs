using Antiphon.Protocol.Packets;
using Antiphon.Protocol.Properties;
using Antiphon.Rpc.Requesting.Calls;
using Antiphon.Rpc.Wire;

namespace Antiphon.Rpc.Responding;

/// <summary>What the properties of a request say to the responder, read in one go.</summary>
/// <param name="Timeout">How long the requester still waits, exactly; <c>null</c>: not said, or not as a number.</param>
/// <param name="HasCorrelationData">Whether there is Correlation Data; it may be empty.</param>
/// <param name="IsOfProfile">Whether its Correlation Data is unique by contract: 16 bytes, and it names the profile.</param>
internal readonly record struct RequestProperties(TimeSpan? Timeout, bool HasCorrelationData, bool IsOfProfile)
{
    public static RequestProperties Read(in PublishView message)
    {
        TimeSpan? timeout = null;
        var hasCorrelation = false;
        var hasTimeout = false;
        var namesProfile = false;
        var properties = message.ReadProperties();
        while (properties.TryRead(out var property))
        {
            if (property.Identifier == PropertyIdentifier.CorrelationData)
            {
                hasCorrelation = true;
            }
            else if (property.Identifier == PropertyIdentifier.UserProperty)
            {
                namesProfile |= property.Bytes.SequenceEqual(RpcPropertyName.ProtocolVersion);
                if (!hasTimeout && property.Bytes.SequenceEqual(RpcPropertyName.Timeout))
                {
                    hasTimeout = true;
                    timeout = ResponseStatus.ReadNumber(property.Second) is { } number ? TimeSpan.FromMilliseconds(number) : null;
                }
            }
        }

        return new RequestProperties(timeout, hasCorrelation, namesProfile && message.CorrelationData.Length == Correlation.Length);
    }
}
