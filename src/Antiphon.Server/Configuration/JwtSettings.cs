using Antiphon.Server.Tokens;

namespace Antiphon.Server.Configuration;

/// <summary>The settings below <c>jwt</c>.</summary>
internal static class JwtSettings
{
    private static readonly TextKind Text = new();

    public static Shape<JwtOptions> Shape { get; } = new(
        new JwtOptions { Keys = "" },
        Check,
        required: ["keys"],
        new Setting<JwtOptions, string>(
            "keys",
            "A JSON Web Key Set, or a PEM file with public keys or certificates, of who issues tokens.",
            new FileKind(),
            jwt => jwt.Keys,
            (jwt, value) => jwt with { Keys = value }),
        new Setting<JwtOptions, string?>(
            "issuer",
            "What the claim iss has to be; without it tokens may be from anybody who has such a key.",
            Text!,
            jwt => jwt.Issuer,
            (jwt, value) => jwt with { Issuer = value }),
        new Setting<JwtOptions, string?>(
            "audience",
            "What the claim aud has to be or to hold; without it tokens for other services are good here too.",
            Text!,
            jwt => jwt.Audience,
            (jwt, value) => jwt with { Audience = value }),
        new Setting<JwtOptions, string>(
            "userClaim",
            "The claim that is the user's name; without it sub.",
            Text,
            jwt => jwt.UserClaim,
            (jwt, value) => jwt with { UserClaim = value }),
        new Setting<JwtOptions, string?>(
            "groupsClaim",
            "The claim that names the user's groups, such as groups or realm_access.roles.",
            Text!,
            jwt => jwt.GroupsClaim,
            (jwt, value) => jwt with { GroupsClaim = value }));

    private static JwtOptions Check(JwtOptions jwt, Node node, ReadingContext context)
    {
        if (jwt.Keys.Length > 0)
        {
            var warnings = new List<string>();
            TokenKeys.Read(jwt.Keys, warnings, out var mistake);
            warnings.ForEach(warning => context.Warn(node.PlaceOf("keys"), warning));
            if (mistake is not null)
            {
                context.Error(node.PlaceOf("keys"), mistake);
            }
        }

        if (jwt.Audience is null)
        {
            context.Warn(
                node.Place,
                $"«{node.PathOf("audience")}» is missing: a token that was issued for another service lets its bearer in here too.");
        }

        return jwt;
    }
}
