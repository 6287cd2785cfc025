using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Antiphon.Broker.Authentication;
using Antiphon.Protocol;
using Antiphon.Server.Tests.Peers;
using Antiphon.Server.Tokens;

namespace Antiphon.Server.Tests.Tokens;

public sealed class TokenCheckTests : IDisposable
{
    private readonly CertificateFolder _folder = new();
    private readonly TokenIssuer _issuer = new();
    private readonly StandingTime _time = new();

    public void Dispose()
    {
        _folder.Dispose();
        _issuer.Dispose();
    }

    [Fact]
    public async Task A_right_token_says_who_the_user_is_and_what_else_is_known()
    {
        var claims = Claims(claims =>
        {
            claims["tenant"] = "north";
            claims["floor"] = 3;
            claims["admin"] = true;
            claims["groups"] = new JsonArray("operators", "night shift", 7);
            claims["address"] = new JsonObject { ["city"] = "Ulm" };
        });

        var result = await CheckAsync(_issuer.Sign(claims), options => options with { GroupsClaim = "groups" });

        Assert.Equal(ReasonCode.Success, result.ReasonCode);
        Assert.Equal("ann", result.User!.Name);
        Assert.Equal(["7", "night shift", "operators"], result.User.Groups.Order(StringComparer.Ordinal));
        Assert.Equal(
            [
                "admin=true", "aud=broker", $"exp={Expiry.ToUnixTimeSeconds()}", "floor=3", "iss=https://issuer.example", "sub=ann",
                "tenant=north",
            ],
            result.User.Claims.Select(claim => $"{claim.Key}={claim.Value}").Order(StringComparer.Ordinal));

        // Ten minutes, and half a minute for clocks that differ.
        Assert.Equal(TimeSpan.FromSeconds(630), result.User.ValidFor);
    }

    [Theory]
    [InlineData("scope", """{ "scope": "read write" }""", "read write")]
    [InlineData("realm_access.roles", """{ "realm_access": { "roles": ["a", "b"] } }""", "a b")]
    [InlineData("https://x.example/groups", """{ "https://x.example/groups": ["a"] }""", "a")]
    [InlineData("groups", """{ "groups": { "a": 1 } }""", "")]
    [InlineData("groups.a", """{ "groups": "a" }""", "")]
    [InlineData(null, """{ "groups": ["a"] }""", "")]
    public async Task Groups_are_a_list_or_a_text_wherever_the_claim_stands(string? claim, string more, string groups)
    {
        var claims = Claims(claims =>
        {
            foreach (var (name, value) in JsonNode.Parse(more)!.AsObject())
            {
                claims[name] = value?.DeepClone();
            }
        });

        var result = await CheckAsync(_issuer.Sign(claims), options => options with { GroupsClaim = claim });

        Assert.Equal(groups, string.Join(' ', result.User!.Groups.Order(StringComparer.Ordinal)));
    }

    [Theory]
    [InlineData(-29, true)]
    [InlineData(-31, false)]
    public async Task A_token_is_good_until_it_expires_and_half_a_minute_more(int seconds, bool isGood)
    {
        var result = await CheckAsync(_issuer.Sign(TokenIssuer.Claims(_time.Now.AddSeconds(seconds))));

        AssertRefused(isGood ? null : "It has expired.", result);
    }

    [Theory]
    [InlineData(29, true)]
    [InlineData(31, false)]
    public async Task A_token_is_not_good_before_its_time(int seconds, bool isGood)
    {
        var claims = Claims(claims => claims["nbf"] = _time.Now.AddSeconds(seconds).ToUnixTimeSeconds() + 0.5 - 0.5);

        AssertRefused(isGood ? null : "It is not valid yet.", await CheckAsync(_issuer.Sign(claims)));
    }

    [Theory]
    [InlineData("exp", null, "It does not say when it expires («exp»).")]
    [InlineData("exp", "\"2040\"", "It does not say when it expires («exp»).")]
    [InlineData("nbf", "\"2020\"", "It is not valid yet.")]
    [InlineData("iss", "\"https://other.example\"", "It is from «https://other.example», and not from «https://issuer.example».")]
    [InlineData("iss", null, "It is from «», and not from «https://issuer.example».")]
    [InlineData("aud", "\"other\"", "It is for «other», and not for «broker».")]
    [InlineData("aud", "[\"other\", \"third\"]", "It is for «other, third», and not for «broker».")]
    [InlineData("aud", null, "It is for «», and not for «broker».")]
    [InlineData("aud", "[\"other\", \"broker\"]", null)]
    [InlineData("sub", null, "It does not say who the user is («sub»).")]
    [InlineData("sub", "\"\"", "It does not say who the user is («sub»).")]
    [InlineData("sub", "\"a\\u0000b\"", "It does not say who the user is («sub»).")]
    [InlineData("sub", "17", null)]
    [InlineData("exp", "99999999999999", null)]
    public async Task Every_claim_that_counts_is_looked_at(string name, string? value, string? refusal)
    {
        var claims = Claims(claims =>
        {
            if (value is null)
            {
                claims.Remove(name);
            }
            else
            {
                claims[name] = JsonNode.Parse(value);
            }
        });

        AssertRefused(refusal, await CheckAsync(_issuer.Sign(claims)));
    }

    [Fact]
    public async Task What_is_not_asked_for_may_be_whatever_it_is()
    {
        var claims = Claims(claims =>
        {
            claims.Remove("iss");
            claims["aud"] = "other";
            claims["name"] = "Ann";
        });

        var result = await CheckAsync(
            _issuer.Sign(claims), options => options with { Issuer = null, Audience = null, UserClaim = "name" });

        Assert.Equal("Ann", result.User!.Name);
        claims["name"] = new JsonArray("Ann");
        AssertRefused(
            "It does not say who the user is («name»).",
            await CheckAsync(_issuer.Sign(claims), options => options with { Issuer = null, Audience = null, UserClaim = "name" }));
    }

    [Fact]
    public async Task A_token_of_another_key_is_refused()
    {
        using var stranger = new TokenIssuer();
        AssertRefused("Its signature is wrong.", await CheckAsync(stranger.Sign(Claims())));

        using var unknown = new TokenIssuer("key-2");
        AssertRefused("It is signed with the key «key-2», which is not known here.", await CheckAsync(unknown.Sign(Claims())));
    }

    [Fact]
    public async Task A_token_that_was_changed_is_refused()
    {
        var parts = _issuer.Sign(Claims()).Split('.');
        var changed = Base64Url.EncodeToString(Encoding.UTF8.GetBytes(Claims(claims => claims["sub"] = "root").ToJsonString()));

        AssertRefused("Its signature is wrong.", await CheckAsync($"{parts[0]}.{changed}.{parts[2]}"));
        AssertRefused("Its signature is wrong.", await CheckAsync($"{parts[0]}.{parts[1]}."));
    }

    [Fact]
    public async Task A_key_without_a_kid_serves_tokens_with_any()
    {
        using var nameless = new TokenIssuer(id: null);
        AssertRefused(null, await CheckAsync(nameless.Sign(Claims(), new JsonObject { ["kid"] = "x" }), keys: nameless.KeySet));
        AssertRefused(null, await CheckAsync(nameless.Sign(Claims()), keys: nameless.KeySet));

        // And one without a kid may be of any key.
        using var other = new TokenIssuer("other");
        var both = TokenIssuer.SetOf(other.Jwk, _issuer.Jwk);
        AssertRefused(null, await CheckAsync(_issuer.Sign(Claims(), new JsonObject { ["kid"] = null }), keys: both));
    }

    [Theory]
    [InlineData("none")]
    [InlineData("None")]
    [InlineData("ES384")]
    [InlineData("RS256")]
    public async Task An_algorithm_that_the_key_is_not_for_is_refused(string algorithm)
    {
        var token = _issuer.Sign(Claims(), new JsonObject { ["alg"] = algorithm });

        AssertRefused($"It is signed by the algorithm «{algorithm}», which its key is not for.", await CheckAsync(token));
        AssertRefused(
            $"It is signed by the algorithm «{algorithm}», which its key is not for.",
            await CheckAsync(_issuer.Sign(Claims(), new JsonObject { ["alg"] = algorithm }, (_, _) => [])));
    }

    [Fact]
    public async Task A_public_key_is_no_secret_of_an_HMAC()
    {
        using var rsa = RSA.Create(2048);
        var pem = rsa.ExportSubjectPublicKeyInfoPem();
        byte[][] secrets = [Encoding.ASCII.GetBytes(pem), Encoding.ASCII.GetBytes(pem + "\n"), rsa.ExportSubjectPublicKeyInfo()];
        foreach (var secret in secrets)
        {
            var token = _issuer.Sign(Claims(), new JsonObject { ["alg"] = "HS256" }, (bytes, _) => HMACSHA256.HashData(secret, bytes));

            AssertRefused("It is signed by the algorithm «HS256», which its key is not for.", await CheckAsync(token, keys: pem));
        }
    }

    [Fact]
    public async Task A_secret_serves_HMAC_and_nothing_else()
    {
        var secret = RandomNumberGenerator.GetBytes(32);
        var keys = TokenIssuer.SetOf(new JsonObject { ["kty"] = "oct", ["k"] = Base64Url.EncodeToString(secret) });
        var header = new JsonObject { ["alg"] = "HS256" };

        AssertRefused(null, await CheckAsync(_issuer.Sign(Claims(), header, (bytes, _) => HMACSHA256.HashData(secret, bytes)), keys: keys));
        AssertRefused(
            "Its signature is wrong.",
            await CheckAsync(_issuer.Sign(Claims(), header, (bytes, _) => HMACSHA256.HashData(new byte[32], bytes)), keys: keys));
        AssertRefused(
            "It is signed by the algorithm «HS512», which its key is not for.",
            await CheckAsync(
                _issuer.Sign(Claims(), new JsonObject { ["alg"] = "HS512" }, (bytes, _) => HMACSHA512.HashData(secret, bytes)),
                keys: keys));
    }

    [Theory]
    [InlineData("RS256", false)]
    [InlineData("PS256", true)]
    public async Task RSA_serves_both_of_its_paddings_unless_the_key_says_which(string algorithm, bool isPss)
    {
        using var rsa = RSA.Create(2048);
        var token = _issuer.Sign(
            Claims(),
            new JsonObject { ["alg"] = algorithm },
            (bytes, hash) => rsa.SignData(bytes, hash, isPss ? RSASignaturePadding.Pss : RSASignaturePadding.Pkcs1));
        var parameters = rsa.ExportParameters(includePrivateParameters: false);
        var key = new JsonObject
        {
            ["kty"] = "RSA",
            ["n"] = Base64Url.EncodeToString(parameters.Modulus),
            ["e"] = Base64Url.EncodeToString(parameters.Exponent),
        };

        AssertRefused(null, await CheckAsync(token, keys: rsa.ExportSubjectPublicKeyInfoPem()));
        AssertRefused(null, await CheckAsync(token, keys: rsa.ExportRSAPublicKeyPem()));
        AssertRefused(null, await CheckAsync(token, keys: key.ToJsonString()));
        key["alg"] = "PS256";
        AssertRefused(
            isPss ? null : "It is signed by the algorithm «RS256», which its key is not for.",
            await CheckAsync(token, keys: key.ToJsonString()));
    }

    [Theory]
    [InlineData("")]
    [InlineData("secret")]
    [InlineData("eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbm4ifQ")]
    [InlineData("eyJ.eyJ.x")]
    [InlineData("eyJhbGciOiJFUzI1NiJ9.!.x")]
    [InlineData("eyJhbGciOiJFUzI1NiJ9.eyJ.a.b.c")]
    public async Task What_is_no_token_is_refused(string text) =>
        Assert.Equal(ReasonCode.NotAuthorized, (await CheckAsync(text)).ReasonCode);

    [Theory]
    [InlineData("""{"sub": "a\uD800", "exp": 9999999999}""")]
    [InlineData("""{"sub": "ann", "other": "a\uD800", "exp": 9999999999}""")]
    [InlineData("""{"sub": "ann", "a\uD800": 1, "exp": 9999999999}""")]
    [InlineData("""{"sub": "ann", "groups": ["a\uD800"], "exp": 9999999999}""")]
    public async Task What_says_a_text_that_is_none_is_refused(string said)
    {
        var result = await CheckAsync(
            _issuer.Sign(said), options => options with { Issuer = null, Audience = null, GroupsClaim = "groups" });

        Assert.Equal(ReasonCode.NotAuthorized, result.ReasonCode);
    }

    [Fact]
    public async Task Demands_that_are_not_known_and_claims_that_say_two_things_are_refused()
    {
        AssertRefused(
            "Its header demands what is not known here («crit»).",
            await CheckAsync(_issuer.Sign(Claims(), new JsonObject { ["crit"] = new JsonArray("exp") })));
        AssertRefused("It is no JSON Web Token with a signature.", await CheckAsync(_issuer.Sign("\"text\"")));

        var said = Claims().ToJsonString();
        AssertRefused(null, await CheckAsync(_issuer.Sign(said)));
        AssertRefused("What it says is no object of JSON.", await CheckAsync(_issuer.Sign(said[..^1] + """, "sub": "root" }""")));
    }

    private DateTimeOffset Expiry => _time.Now.AddMinutes(10);

    private static void AssertRefused(string? why, AuthenticationResult result)
    {
        if (why is null)
        {
            Assert.Null(result.ReasonString);
            Assert.Equal(ReasonCode.Success, result.ReasonCode);
        }
        else
        {
            Assert.Equal($"The token is not accepted: {why}", result.ReasonString);
            Assert.Equal(ReasonCode.NotAuthorized, result.ReasonCode);
        }
    }

    private JsonObject Claims(Action<JsonObject>? change = null)
    {
        var claims = TokenIssuer.Claims(Expiry);
        change?.Invoke(claims);
        return claims;
    }

    private async Task<AuthenticationResult> CheckAsync(string token, Func<JwtOptions, JwtOptions>? with = null, string? keys = null)
    {
        var file = _folder.Write("keys", keys ?? _issuer.KeySet);
        var options = new JwtOptions { Keys = file, Issuer = "https://issuer.example", Audience = "broker" };
        options = with?.Invoke(options) ?? options;
        var read = TokenKeys.Read(options.Keys, [], out var mistake);
        Assert.Null(mistake);
        return await new TokenCheck(options, read!, _time).CheckAsync(Encoding.UTF8.GetBytes(token));
    }
}
