using Antiphon.Broker.Exchanges;
using Antiphon.Protocol;

namespace Antiphon.Broker.Publishing;

/// <summary>What has become of a message.</summary>
/// <param name="Code">What its acknowledgement says: Success, 0x10 when no subscription matches, or why it is refused.</param>
/// <param name="Recipients">
/// How many Sessions have been sent it or have it in their queue; those for which it was dropped do not count.
/// </param>
/// <param name="Exchange">The exchange of the request, if it has one that can be answered.</param>
/// <param name="UnderWay">
/// What of it is still to be delivered, in turns that follow; it will know the rest, and the acknowledgement has to wait for it.
/// <c>null</c>: all has been done.
/// </param>
internal readonly record struct RoutingResult(
    ReasonCode Code, int Recipients = 0, Exchange? Exchange = null, FanOut? UnderWay = null);
