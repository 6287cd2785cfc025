namespace Antiphon.Server;

/// <summary>
/// Which tokens (JWT, RFC 7519) prove who a client is: in the password of CONNECT, or by the Authentication Method <c>CUSTOM-JWT</c>.
/// Immutable; the keys are read anew on reload.
/// </summary>
public sealed record JwtOptions
{
    /// <summary>
    /// A file with the keys of who issues tokens: a JSON Web Key Set (RFC 7517), or public keys and certificates in PEM.
    /// A token is accepted with an algorithm that its key is for, and with no other.
    /// </summary>
    public required string Keys { get; init; }

    /// <summary>What <c>iss</c> has to be; <c>null</c>: whatever it is.</summary>
    public string? Issuer { get; init; }

    /// <summary>
    /// What <c>aud</c> has to be or to hold; <c>null</c>: whatever it is, so that tokens for other services are good here too.
    /// </summary>
    public string? Audience { get; init; }

    /// <summary>The claim that is the user's name; <c>sub</c> unless said otherwise.</summary>
    public string UserClaim { get; init; } = "sub";

    /// <summary>
    /// The claim that names the user's groups: a list of texts, or one text with spaces between them. <c>null</c>: tokens name none.
    /// A claim inside another is written with a dot, such as <c>realm_access.roles</c>.
    /// </summary>
    public string? GroupsClaim { get; init; }

    /// <summary>What deserves a look, a sentence; <c>null</c>: nothing.</summary>
    internal string? Warning => Audience is null
        ? "Jwt has no audience: a token that was issued for another service lets its bearer in here too."
        : null;

    internal IEnumerable<string> Mistakes()
    {
        if (Keys.Length == 0)
        {
            yield return "Jwt.Keys is empty; it has to name a file.";
        }

        if (Issuer is "" || Audience is "" || UserClaim.Length == 0 || GroupsClaim is "")
        {
            yield return "A setting of Jwt is an empty text; leave out what is not to be checked.";
        }
    }
}
