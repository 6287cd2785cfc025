using Antiphon.Protocol.Wire;

namespace Antiphon.Broker.Access;

/// <summary>What an <see cref="IAuthorizer"/> has decided.</summary>
public enum AuthorizationDecision
{
    /// <summary>The access rules are to decide.</summary>
    ByRules,

    /// <summary>It is allowed, whatever the access rules say.</summary>
    Allowed,

    /// <summary>It is refused, whatever the access rules say.</summary>
    Denied,
}

/// <summary>What an <see cref="IAuthorizer"/> has decided, and for how long that holds. Immutable.</summary>
public sealed class AuthorizationResult
{
    private static readonly AuthorizationResult OnceByRules = new(AuthorizationDecision.ByRules, default);
    private static readonly AuthorizationResult OnceAllowed = new(AuthorizationDecision.Allowed, default);

    private AuthorizationResult(AuthorizationDecision decision, TimeSpan validFor)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(validFor, TimeSpan.Zero);
        Decision = decision;
        ValidFor = validFor;
    }

    /// <summary>What was decided.</summary>
    public AuthorizationDecision Decision { get; }

    /// <summary>Why it is refused, for the client to read; <c>null</c>: not said.</summary>
    public string? ReasonString { get; private init; }

    /// <summary>
    /// How long it holds for the same connection, topic and permission, with the same QoS and RETAIN, without asking again; zero: this
    /// once. The broker may forget it sooner. A subscription stands as long as its Session does.
    /// </summary>
    public TimeSpan ValidFor { get; }

    /// <summary>It is allowed.</summary>
    /// <param name="validFor">
    /// How long it holds, zero or more; zero, as unless said otherwise: this once. <see cref="TimeSpan.MaxValue"/>: as long as the
    /// connection.
    /// </param>
    public static AuthorizationResult Allow(TimeSpan validFor = default) =>
        validFor == default ? OnceAllowed : new(AuthorizationDecision.Allowed, validFor);

    /// <summary>It is refused with 0x87; in MQTT 3.1.1, which cannot tell a publisher, the message is acknowledged and dropped.</summary>
    /// <param name="reasonString">Why, for the client to read; <c>null</c>: not said.</param>
    /// <param name="validFor"><inheritdoc cref="Allow" path="/param[@name='validFor']"/></param>
    /// <exception cref="ArgumentException">The text is none that MQTT can carry (MQTT 5 §1.5.4).</exception>
    public static AuthorizationResult Deny(string? reasonString = null, TimeSpan validFor = default)
    {
        if (reasonString is not null)
        {
            Utf8Text.GetByteCount(reasonString);
        }

        return new AuthorizationResult(AuthorizationDecision.Denied, validFor) { ReasonString = reasonString };
    }

    /// <summary>The access rules decide; where there are none, it is allowed.</summary>
    /// <param name="validFor"><inheritdoc cref="Allow" path="/param[@name='validFor']"/></param>
    public static AuthorizationResult ByRules(TimeSpan validFor = default) =>
        validFor == default ? OnceByRules : new(AuthorizationDecision.ByRules, validFor);
}
