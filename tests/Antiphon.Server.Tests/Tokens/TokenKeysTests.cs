using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Antiphon.Server.Tests.Peers;
using Antiphon.Server.Tokens;

namespace Antiphon.Server.Tests.Tokens;

public sealed class TokenKeysTests : IDisposable
{
    private readonly CertificateFolder _folder = new();
    private readonly TokenIssuer _issuer = new();

    public void Dispose()
    {
        _folder.Dispose();
        _issuer.Dispose();
    }

    [Fact]
    public void PEM_may_hold_keys_and_certificates_of_several_kinds()
    {
        using var rsa = RSA.Create(2048);
        using var large = ECDsa.Create(ECCurve.NamedCurves.nistP521);
        using var middle = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        var certificate = _folder.Issue("issuer").Certificate;

        var keys = Read(string.Join(
            '\n',
            rsa.ExportSubjectPublicKeyInfoPem(),
            large.ExportSubjectPublicKeyInfoPem(),
            middle.ExportSubjectPublicKeyInfoPem(),
            File.ReadAllText(certificate)));

        Assert.Equal(
            ["RS256 RS384 RS512 PS256 PS384 PS512", "ES512", "ES384", "ES256"],
            keys!.For("whatever").Select(key => string.Join(' ', key.Algorithms)));
    }

    [Fact]
    public void Keys_for_other_uses_are_passed_over_and_those_that_cannot_serve_are_told()
    {
        using var small = RSA.Create(1024);
        var parameters = small.ExportParameters(includePrivateParameters: false);
        var forEncryption = _issuer.Jwk;
        forEncryption["use"] = "enc";
        var forDecryption = _issuer.Jwk;
        forDecryption["key_ops"] = new JsonArray("deriveKey");
        var contradiction = _issuer.Jwk;
        contradiction["alg"] = "RS256";
        contradiction["kid"] = "contradiction";
        var secret = new JsonObject { ["kty"] = "oct", ["kid"] = "short", ["k"] = "c2hvcnQ" };
        var edwards = new JsonObject { ["kty"] = "OKP", ["kid"] = "edwards", ["crv"] = "Ed25519", ["x"] = "AA" };
        var bad = new JsonObject { ["kty"] = "oct", ["kid"] = "bad", ["k"] = "!" };
        var weak = new JsonObject
        {
            ["kty"] = "RSA",
            ["n"] = System.Buffers.Text.Base64Url.EncodeToString(parameters.Modulus),
            ["e"] = "AQAB",
        };
        var warnings = new List<string>();

        var keys = Read(
            TokenIssuer.SetOf(forEncryption, forDecryption, contradiction, secret, edwards, bad, weak, _issuer.Jwk), warnings);

        Assert.Equal("key-1", Assert.Single(keys!.For(null)).Id);
        string[] why =
        [
            "the key «contradiction» is for «RS256», which a key of its kind and size cannot be",
            "the key «short» is a secret of fewer than 32 bytes",
            "the key «edwards» is of the kind «OKP»",
            "the key «bad» has a value that is no Base64url",
            "key 7 is an RSA key of fewer than 2048 bits, or not a whole one",
        ];
        Assert.Equal(why.Select(one => $"In «{_folder.PathOf("keys")}», {one}; tokens with it are not accepted."), warnings);
    }

    [Fact]
    public void A_private_key_in_the_set_is_told()
    {
        var key = _issuer.Jwk;
        key["d"] = "AAAA";
        var warnings = new List<string>();

        Assert.NotNull(Read(TokenIssuer.SetOf(key), warnings));
        Assert.EndsWith(
            "the key «key-1» is a private key; the broker needs no more than the public one.",
            Assert.Single(warnings),
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", "there is no key")]
    [InlineData("nonsense", "there is no key")]
    [InlineData("{ \"keys\": [] }", "there is no key")]
    [InlineData("{", "cannot be used")]
    [InlineData("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----", "a block of «PRIVATE KEY»")]
    [InlineData("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", "cannot be used")]
    public void What_holds_no_key_is_refused_by_the_file_s_name(string text, string why)
    {
        Assert.Null(TokenKeys.Read(_folder.Write("keys", text), [], out var mistake));
        Assert.Contains(why, mistake, StringComparison.Ordinal);
        Assert.Contains(_folder.PathOf("keys"), mistake, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_is_not_there_is_told()
    {
        Assert.Null(TokenKeys.Read(_folder.PathOf("missing"), [], out var mistake));
        Assert.Contains("missing» cannot be read: ", mistake, StringComparison.Ordinal);
    }

    private TokenKeys? Read(string text, List<string>? warnings = null)
    {
        var keys = TokenKeys.Read(_folder.Write("keys", text), warnings ?? [], out var mistake);
        Assert.Null(mistake);
        return keys;
    }
}
