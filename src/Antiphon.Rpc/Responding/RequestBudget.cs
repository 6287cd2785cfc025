using Antiphon.Protocol.Packets;
using Antiphon.Rpc.Wire;

namespace Antiphon.Rpc.Responding;

/// <summary>How much time a request has.</summary>
/// <param name="Deadline">When its requester gives up.</param>
/// <param name="ForgetAt">When the server can no longer deliver it once more.</param>
/// <param name="IsStated">Whether the request said so.</param>
internal readonly record struct RequestBudget(TimeSpan Deadline, TimeSpan ForgetAt, bool IsStated)
{
    /// <summary>Message Expiry Intervals are whole seconds on two clocks.</summary>
    private static readonly TimeSpan Margin = TimeSpan.FromSeconds(1);

    /// <summary>The smaller of the Message Expiry Interval, which the server has reduced by what the request waited there, and the exact time that the requester gave it.</summary>
    public static RequestBudget Of(in PublishView message, TimeSpan now, TimeSpan otherwise)
    {
        TimeSpan? expiry = message.MessageExpiryInterval is { } seconds ? TimeSpan.FromSeconds(seconds) : null;
        TimeSpan? timeout = message.TryGetUserProperty(RpcPropertyName.Timeout, out var text) && ResponseStatus.ReadNumber(text) is { } milliseconds
            ? TimeSpan.FromMilliseconds(milliseconds)
            : null;
        var budget = expiry < timeout ? expiry : timeout ?? expiry;
        return new RequestBudget(now + (budget ?? otherwise), now + (expiry ?? otherwise) + Margin, budget is not null);
    }
}
