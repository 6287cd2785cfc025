using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.IdentityModel.Tokens;

namespace Antiphon.Server.Tokens;

/// <summary>The keys that tokens may be signed with, as their file was at one moment. Immutable.</summary>
internal sealed class TokenKeys
{
    private readonly List<TokenKey> _keys;

    private TokenKeys(List<TokenKey> keys) => _keys = keys;

    /// <summary>Reads a JSON Web Key Set or PEM.</summary>
    /// <param name="path">The file.</param>
    /// <param name="warnings">What deserves a look is added here, a sentence each that names the file.</param>
    /// <param name="mistake">What is wrong, a sentence that names the file; <c>null</c>: nothing.</param>
    public static TokenKeys? Read(string path, List<string> warnings, out string? mistake)
    {
        string text;
        try
        {
            text = File.ReadAllText(path);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            mistake = $"The keys of tokens in «{path}» cannot be read: {failure.Message}";
            return null;
        }

        List<JsonWebKey> found;
        try
        {
            found = text.AsSpan().TrimStart().StartsWith('{') ? FromJson(text) : FromPem(text);
        }
        catch (Exception failure) when (failure is FormatException or ArgumentException or CryptographicException)
        {
            mistake = $"The keys of tokens in «{path}» cannot be used: {failure.Message}";
            return null;
        }

        var keys = new List<TokenKey>();
        foreach (var (key, number) in found.Select((key, index) => (key, index + 1)).Where(one => TokenKey.IsForSignatures(one.key)))
        {
            var name = string.IsNullOrEmpty(key.Kid) ? $"key {number}" : $"the key «{key.Kid}»";
            if (TokenKey.From(key, out var why) is { } usable)
            {
                keys.Add(usable);
            }
            else
            {
                warnings.Add($"In «{path}», {name} {why}; tokens with it are not accepted.");
            }

            if (key.HasPrivateKey && key.Kty != JsonWebAlgorithmsKeyTypes.Octet)
            {
                warnings.Add($"In «{path}», {name} is a private key; the broker needs no more than the public one.");
            }
        }

        mistake = keys.Count > 0
            ? null
            : $"In «{path}» there is no key that tokens can be signed with: it has to be a JSON Web Key Set, or public keys in PEM, "
                + "of RSA (2,048 bits or more), of the curves P-256, P-384 or P-521, or secrets of 32 bytes or more.";
        return mistake is null ? new TokenKeys(keys) : null;
    }

    /// <summary>The keys that a token may be signed with: those of its <c>kid</c>, or if there is none of that those without one.</summary>
    /// <param name="id">The token's <c>kid</c>; <c>null</c>: it has none.</param>
    public IReadOnlyList<TokenKey> For(string? id)
    {
        if (id is null)
        {
            return _keys;
        }

        var named = _keys.FindAll(key => key.Id == id);
        return named.Count > 0 ? named : _keys.FindAll(key => key.Id is null);
    }

    private static List<JsonWebKey> FromJson(string text)
    {
        var set = new JsonWebKeySet(text);
        return set.Keys.Count > 0 ? [.. set.Keys] : [new JsonWebKey(text)];
    }

    private static List<JsonWebKey> FromPem(string text)
    {
        var keys = new List<JsonWebKey>();
        var rest = text.AsSpan();
        while (PemEncoding.TryFind(rest, out var found))
        {
            var label = rest[found.Label].ToString();
            var bytes = Convert.FromBase64String(rest[found.Base64Data].ToString());
            keys.Add(label switch
            {
                "PUBLIC KEY" => FromPublicKey(PublicKey.CreateFromSubjectPublicKeyInfo(bytes, out _)),
                "RSA PUBLIC KEY" => FromRsa(bytes),
                "CERTIFICATE" => FromCertificate(bytes),
                _ => throw new FormatException(
                    $"It has a block of «{label}» in it; it has to be PUBLIC KEY, RSA PUBLIC KEY or CERTIFICATE."),
            });
            rest = rest[found.Location.End..];
        }

        return keys;
    }

    private static JsonWebKey FromCertificate(byte[] bytes)
    {
        using var certificate = X509CertificateLoader.LoadCertificate(bytes);
        return FromPublicKey(certificate.PublicKey);
    }

    private static JsonWebKey FromPublicKey(PublicKey key)
    {
        using var rsa = key.GetRSAPublicKey();
        if (rsa is not null)
        {
            return FromRsa(rsa.ExportParameters(includePrivateParameters: false));
        }

        using var curve = key.GetECDsaPublicKey()
            ?? throw new FormatException("A public key in it is neither of RSA nor of an elliptic curve.");
        var parameters = curve.ExportParameters(includePrivateParameters: false);
        return new JsonWebKey
        {
            Kty = JsonWebAlgorithmsKeyTypes.EllipticCurve,
            Crv = parameters.Q.X!.Length switch
            {
                32 => JsonWebKeyECTypes.P256,
                48 => JsonWebKeyECTypes.P384,
                _ => JsonWebKeyECTypes.P521,
            },
            X = Base64UrlEncoder.Encode(parameters.Q.X),
            Y = Base64UrlEncoder.Encode(parameters.Q.Y),
        };
    }

    private static JsonWebKey FromRsa(byte[] bytes)
    {
        using var rsa = RSA.Create();
        rsa.ImportRSAPublicKey(bytes, out _);
        return FromRsa(rsa.ExportParameters(includePrivateParameters: false));
    }

    private static JsonWebKey FromRsa(RSAParameters parameters) => new()
    {
        Kty = JsonWebAlgorithmsKeyTypes.RSA,
        N = Base64UrlEncoder.Encode(parameters.Modulus),
        E = Base64UrlEncoder.Encode(parameters.Exponent),
    };
}
