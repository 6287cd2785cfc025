namespace Antiphon.Broker.Access;

/// <summary>Who a connected client is, as the rules see it. Immutable.</summary>
/// <param name="ClientId">The Client Identifier.</param>
/// <param name="User">Who it has proved to be; <c>null</c>: anonymous.</param>
public sealed record ClientIdentity(string ClientId, ClientUser? User)
{
    /// <summary>The user name; <c>null</c>: anonymous.</summary>
    public string? UserName => User?.Name;
}
