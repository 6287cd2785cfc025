using System.Diagnostics.CodeAnalysis;
using System.Text;
using Antiphon.Broker.Access;
using Antiphon.Broker.Authentication;
using Antiphon.Protocol;
using Antiphon.Protocol.Wire;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace Antiphon.Server.Tokens;

/// <summary>Tells by a token who a client is (RFC 7519). Immutable, and safe from any thread.</summary>
/// <remarks>
/// A token cannot be guessed, so that a refusal says what is wrong with it. It is 0x87 Not authorized, as the end of a connection whose
/// token expires is.
/// </remarks>
internal sealed class TokenCheck(JwtOptions options, TokenKeys keys, TimeProvider time)
{
    /// <summary>How much the clocks of the broker and of who issues tokens may differ.</summary>
    private static readonly TimeSpan Skew = TimeSpan.FromSeconds(30);

    private static readonly JsonWebTokenHandler Handler = new() { MaximumTokenSizeInBytes = ushort.MaxValue };

    // Keys change with a reload; whatever the library would keep of them is of no use then.
    private static readonly CryptoProviderFactory Cryptography = new() { CacheSignatureProviders = false };

    /// <summary>
    /// Whether a password is meant as a token: three parts with dots between them, the first the Base64url of an object of JSON.
    /// </summary>
    public static bool LooksLikeToken(ReadOnlySpan<byte> password) =>
        password.StartsWith("eyJ"u8) && password.Count((byte)'.') == 2 && Ascii.IsValid(password);

    /// <summary>Accepts or refuses a token.</summary>
    /// <param name="text">The token, as the client sent it.</param>
    public async ValueTask<AuthenticationResult> CheckAsync(ReadOnlyMemory<byte> text)
    {
        if (!LooksLikeToken(text.Span) || !TryParse(Encoding.ASCII.GetString(text.Span), out var token))
        {
            return Refuse("It is no JSON Web Token with a signature");
        }

        if (token.TryGetHeaderValue<object>("crit", out _))
        {
            return Refuse("Its header demands what is not known here («crit»)");
        }

        var possible = keys.For(string.IsNullOrEmpty(token.Kid) ? null : token.Kid);
        if (possible.Count == 0)
        {
            return Refuse($"It is signed with the key «{Excerpt(token.Kid)}», which is not known here");
        }

        var candidates = possible.Where(key => key.Algorithms.Contains(token.Alg)).Select(key => key.Key).ToArray();
        if (candidates.Length == 0)
        {
            return Refuse($"It is signed by the algorithm «{Excerpt(token.Alg)}», which its key is not for");
        }

        var result = await Handler.ValidateTokenAsync(token, ParametersFor(token.Alg, candidates)).ConfigureAwait(false);
        if (!result.IsValid)
        {
            return Refuse(result.Exception switch
            {
                SecurityTokenInvalidIssuerException => $"It is from «{Excerpt(token.Issuer)}», and not from «{options.Issuer}»",
                SecurityTokenInvalidAudienceException =>
                    $"It is for «{Excerpt(string.Join(", ", token.Audiences))}», and not for «{options.Audience}»",
                _ => "Its signature is wrong",
            });
        }

        try
        {
            return TokenClaims.TryRead(token.EncodedPayload, out var claims) ? Judge(claims) : Refuse("What it says is no object of JSON");
        }
        catch (InvalidOperationException)
        {
            // The escape of half a character is JSON all the same.
            return Refuse("It says a text that is none");
        }
    }

    private static bool TryParse(string text, [NotNullWhen(true)] out JsonWebToken? token)
    {
        try
        {
            token = new JsonWebToken(text);
            return true;
        }
        catch (Exception malformed) when (malformed is ArgumentException or SecurityTokenException)
        {
            token = null;
            return false;
        }
    }

    private static AuthenticationResult Refuse(string why) =>
        AuthenticationResult.Reject(ReasonCode.NotAuthorized, $"The token is not accepted: {why}.");

    private static string Excerpt(string? text) => Utf8Text.Excerpt(text ?? "");

    private TokenValidationParameters ParametersFor(string algorithm, JsonWebKey[] candidates) => new()
    {
        IssuerSigningKeys = candidates,
        ValidAlgorithms = [algorithm],
        TryAllIssuerSigningKeys = true,
        CryptoProviderFactory = Cryptography,
        ValidateIssuer = options.Issuer is not null,
        ValidIssuer = options.Issuer,
        ValidateAudience = options.Audience is not null,
        ValidAudience = options.Audience,
        IgnoreTrailingSlashWhenValidatingAudience = false,

        // By the broker's own clock, below.
        ValidateLifetime = false,
    };

    private AuthenticationResult Judge(TokenClaims claims)
    {
        var now = time.GetUtcNow();
        if (claims.Expiry is not { } expiry)
        {
            return Refuse("It does not say when it expires («exp»)");
        }

        if (now - Skew >= expiry)
        {
            return Refuse("It has expired");
        }

        if (claims.NotBefore is not { } notBefore || notBefore > now + Skew)
        {
            return Refuse("It is not valid yet");
        }

        return claims.Text(options.UserClaim) is { Length: > 0 } name && !name.Any(char.IsControl)
            ? AuthenticationResult.Accept(new ClientUser(name)
            {
                Groups = options.GroupsClaim is null ? [] : claims.Texts(options.GroupsClaim),
                Claims = claims.All,
                ValidFor = expiry + Skew - now,
            })
            : Refuse($"It does not say who the user is («{options.UserClaim}»)");
    }
}
