namespace Antiphon.Broker.Access;

/// <summary>What the application's authorizer has decided about one subscription. Immutable.</summary>
/// <param name="Respond">Whether it may answer what it gets, and so get it.</param>
/// <param name="Subscribe">Whether it may get messages; <c>null</c>: it was not asked, since the other was allowed.</param>
internal sealed record SubscribeAnswers(AuthorizationResult Respond, AuthorizationResult? Subscribe)
{
    /// <summary>Why it is refused, as the authorizer says it.</summary>
    public string? ReasonString => Subscribe?.ReasonString ?? Respond.ReasonString;
}
