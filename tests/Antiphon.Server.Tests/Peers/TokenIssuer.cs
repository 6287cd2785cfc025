using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Antiphon.Server.Tests.Peers;

/// <summary>Issues tokens, right ones and others, byte by byte.</summary>
internal sealed class TokenIssuer : IDisposable
{
    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    public TokenIssuer(string? id = "key-1") => Id = id;

    public string? Id { get; }

    public string Pem => _key.ExportSubjectPublicKeyInfoPem();

    /// <summary>The public key as a member of a key set.</summary>
    public JsonObject Jwk
    {
        get
        {
            var point = _key.ExportParameters(includePrivateParameters: false).Q;
            var key = new JsonObject
            {
                ["kty"] = "EC",
                ["crv"] = "P-256",
                ["x"] = Base64Url.EncodeToString(point.X),
                ["y"] = Base64Url.EncodeToString(point.Y),
            };
            if (Id is not null)
            {
                key["kid"] = Id;
            }

            return key;
        }
    }

    public string KeySet => SetOf(Jwk);

    public static string SetOf(params JsonNode[] keys) => new JsonObject { ["keys"] = new JsonArray(keys) }.ToJsonString();

    /// <summary>What a token usually says.</summary>
    public static JsonObject Claims(DateTimeOffset expiry) => new()
    {
        ["iss"] = "https://issuer.example",
        ["aud"] = "broker",
        ["sub"] = "ann",
        ["exp"] = expiry.ToUnixTimeSeconds(),
    };

    /// <summary>A token signed with the key.</summary>
    /// <param name="claims">What it says.</param>
    /// <param name="header">More in its header, or other things.</param>
    public string Sign(JsonNode claims, JsonObject? header = null) => Sign(claims, header, _key.SignData);

    /// <summary>A token signed with the key, whatever it says.</summary>
    public string Sign(string said) => Sign(Encoding.UTF8.GetBytes(said), null, _key.SignData);

    /// <summary>A token signed in whatever way.</summary>
    public string Sign(JsonNode claims, JsonObject? header, Func<byte[], HashAlgorithmName, byte[]> sign) =>
        Sign(JsonSerializer.SerializeToUtf8Bytes(claims), header, sign);

    public void Dispose() => _key.Dispose();

    private string Sign(byte[] said, JsonObject? header, Func<byte[], HashAlgorithmName, byte[]> sign)
    {
        var whole = new JsonObject { ["alg"] = "ES256", ["typ"] = "JWT" };
        if (Id is not null)
        {
            whole["kid"] = Id;
        }

        foreach (var (name, value) in header ?? [])
        {
            whole[name] = value?.DeepClone();
        }

        var signed = $"{Base64Url.EncodeToString(JsonSerializer.SerializeToUtf8Bytes(whole))}.{Base64Url.EncodeToString(said)}";
        return $"{signed}.{Base64Url.EncodeToString(sign(Encoding.ASCII.GetBytes(signed), HashAlgorithmName.SHA256))}";
    }
}
