using Microsoft.IdentityModel.Tokens;

namespace Antiphon.Server.Tokens;

/// <summary>A key that tokens may be signed with, and the algorithms that it is for (RFC 7518 §3). Immutable.</summary>
/// <param name="Key">The key.</param>
/// <param name="Id">Its <c>kid</c>; <c>null</c>: it has none, and serves tokens with any.</param>
/// <param name="Algorithms">The algorithms.</param>
internal sealed record TokenKey(JsonWebKey Key, string? Id, IReadOnlyList<string> Algorithms)
{
    private const int LeastRsaBits = 2048;

    private static readonly string[] Rsa =
    [
        SecurityAlgorithms.RsaSha256, SecurityAlgorithms.RsaSha384, SecurityAlgorithms.RsaSha512,
        SecurityAlgorithms.RsaSsaPssSha256, SecurityAlgorithms.RsaSsaPssSha384, SecurityAlgorithms.RsaSsaPssSha512,
    ];

    // A secret is as long as the hash is, or longer (RFC 7518 §3.2).
    private static readonly (string Name, int LeastBytes)[] Hmac =
    [
        (SecurityAlgorithms.HmacSha256, 32), (SecurityAlgorithms.HmacSha384, 48), (SecurityAlgorithms.HmacSha512, 64),
    ];

    /// <summary>Looks at a key.</summary>
    /// <param name="key">The key.</param>
    /// <param name="mistake">Why it cannot be used, the end of a sentence.</param>
    public static TokenKey? From(JsonWebKey key, out string? mistake)
    {
        IReadOnlyList<string> possible;
        try
        {
            possible = Possible(key);
        }
        catch (FormatException)
        {
            mistake = "has a value that is no Base64url";
            return null;
        }

        // What a key says it is for holds: its kind decides, so that no public key is ever taken for the secret of an HMAC.
        var algorithms = string.IsNullOrEmpty(key.Alg) ? possible : possible.Contains(key.Alg) ? [key.Alg] : [];
        mistake = algorithms.Count > 0 ? null
            : possible.Count > 0 ? $"is for «{key.Alg}», which a key of its kind and size cannot be"
            : key.Kty == JsonWebAlgorithmsKeyTypes.RSA ? $"is an RSA key of fewer than {LeastRsaBits} bits, or not a whole one"
            : key.Kty == JsonWebAlgorithmsKeyTypes.Octet ? "is a secret of fewer than 32 bytes"
            : key.Kty == JsonWebAlgorithmsKeyTypes.EllipticCurve ? $"is on the curve «{key.Crv}», or not a whole key"
            : $"is of the kind «{key.Kty}»";
        return mistake is null ? new TokenKey(key, string.IsNullOrEmpty(key.Kid) ? null : key.Kid, algorithms) : null;
    }

    /// <summary>Whether it is a key for signatures at all; sets of keys hold those for encryption too.</summary>
    public static bool IsForSignatures(JsonWebKey key) =>
        (string.IsNullOrEmpty(key.Use) || key.Use == JsonWebKeyUseNames.Sig)
        && (key.KeyOps.Count == 0 || key.KeyOps.Contains("verify") || key.KeyOps.Contains("sign"));

    private static IReadOnlyList<string> Possible(JsonWebKey key)
    {
        switch (key.Kty)
        {
            case JsonWebAlgorithmsKeyTypes.RSA
                when !string.IsNullOrEmpty(key.E) && !string.IsNullOrEmpty(key.N):
                return BitsOf(Base64UrlEncoder.DecodeBytes(key.N)) >= LeastRsaBits ? Rsa : [];
            case JsonWebAlgorithmsKeyTypes.EllipticCurve when !string.IsNullOrEmpty(key.X) && !string.IsNullOrEmpty(key.Y):
                return key.Crv switch
                {
                    JsonWebKeyECTypes.P256 => [SecurityAlgorithms.EcdsaSha256],
                    JsonWebKeyECTypes.P384 => [SecurityAlgorithms.EcdsaSha384],
                    JsonWebKeyECTypes.P521 => [SecurityAlgorithms.EcdsaSha512],
                    _ => [],
                };
            case JsonWebAlgorithmsKeyTypes.Octet when !string.IsNullOrEmpty(key.K):
                var length = Base64UrlEncoder.DecodeBytes(key.K).Length;
                return [.. Hmac.Where(one => length >= one.LeastBytes).Select(one => one.Name)];
            default:
                return [];
        }
    }

    private static int BitsOf(ReadOnlySpan<byte> modulus) => modulus.TrimStart((byte)0).Length * 8;
}
