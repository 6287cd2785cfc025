using Antiphon.Protocol;

namespace Antiphon.Broker.Access;

/// <summary>What a client wants to do. Immutable.</summary>
public sealed record AuthorizationRequest
{
    /// <summary>
    /// <see cref="Permissions.Publish"/> or, with a Response Topic, <see cref="Permissions.Request"/>. For a subscription first
    /// <see cref="Permissions.Respond"/>, which lets it answer the requests that it gets; where that is refused,
    /// <see cref="Permissions.Subscribe"/>, which does not.
    /// </summary>
    public required Permissions Permission { get; init; }

    /// <summary>The Topic Name; for a subscription the Topic Filter, without <c>$share/NAME/</c>.</summary>
    public required string Topic { get; init; }

    /// <summary>Who wants it: Client Identifier, user, groups and claims.</summary>
    public required ClientIdentity Client { get; init; }

    /// <summary>Where the client is connected from.</summary>
    public required ConnectionOrigin Origin { get; init; }

    /// <summary>The QoS of the message, or the highest that the subscription asks for.</summary>
    public QualityOfService QoS { get; init; }

    /// <summary>Whether the message is to be retained.</summary>
    public bool Retain { get; init; }

    /// <summary>Whether it is the Will of a CONNECT, which may be published later.</summary>
    public bool IsWill { get; init; }

    /// <summary>The Response Topic of the message; <c>null</c>: it has none.</summary>
    public string? ResponseTopic { get; init; }
}
