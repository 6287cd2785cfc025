using Antiphon.Protocol.Packets;

namespace Antiphon.Rpc.Responding;

/// <summary>How much time a request has.</summary>
/// <param name="Deadline">When its requester gives up.</param>
/// <param name="ForgetAt">When the server can no longer deliver it once more.</param>
/// <param name="IsStated">Whether the request said so.</param>
internal readonly record struct RequestBudget(TimeSpan Deadline, TimeSpan ForgetAt, bool IsStated)
{
    /// <summary>Message Expiry Intervals are whole seconds on two clocks.</summary>
    private static readonly TimeSpan Margin = TimeSpan.FromSeconds(1);

    /// <summary>
    /// The smaller of the Message Expiry Interval, which the server has reduced by what the request waited there, and the exact time that
    /// the requester gave it.
    /// </summary>
    public static RequestBudget Of(in PublishView message, in RequestProperties properties, TimeSpan now, TimeSpan otherwise)
    {
        TimeSpan? expiry = message.MessageExpiryInterval is { } seconds ? TimeSpan.FromSeconds(seconds) : null;
        var budget = expiry < properties.Timeout ? expiry : properties.Timeout ?? expiry;
        return new RequestBudget(now + (budget ?? otherwise), now + (expiry ?? otherwise) + Margin, budget is not null);
    }
}
