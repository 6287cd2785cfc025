using Antiphon.Protocol.Properties;
using Antiphon.Rpc.Responding;
using Antiphon.Rpc.Wire;

namespace Antiphon.Rpc;

/// <summary>Who has asked. Immutable.</summary>
/// <param name="ClientId">The requester's Client Identifier.</param>
/// <param name="UserName">The user that it has authenticated as; <c>null</c>: it has not, or nobody vouches for one.</param>
/// <param name="IsVouchedFor">
/// Whether the broker says so, which knows (User Property <c>antiphon-caller</c>). Otherwise the requester says so of itself
/// (<c>__srcId</c>), and may say whatever it likes: decide nothing by it.
/// </param>
public sealed record Caller(string ClientId, string? UserName, bool IsVouchedFor)
{
    /// <summary>Who has asked; <c>null</c>: nobody says.</summary>
    /// <param name="request">The request.</param>
    /// <param name="isFromAntiphon">
    /// Whether an Antiphon broker has delivered it. It lets no client write <c>antiphon-caller</c>; others let everybody.
    /// </param>
    internal static Caller? Of(MessageBytes request, bool isFromAntiphon)
    {
        if (isFromAntiphon
            && request.FindUserProperty(BrokerPropertyName.Caller) is { } stamp
            && CallerText.TryRead(stamp, out var clientId, out var userName))
        {
            return new Caller(clientId, userName, IsVouchedFor: true);
        }

        return request.FindUserProperty(RpcPropertyName.Source) is { Length: > 0 } source
            ? new Caller(source, UserName: null, IsVouchedFor: false)
            : null;
    }
}
