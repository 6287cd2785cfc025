using System.Buffers.Text;
using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Text.Json;

namespace Antiphon.Server.Tokens;

/// <summary>What a token says, once its signature has been found right (RFC 7519 §4). Immutable.</summary>
internal sealed class TokenClaims
{
    private static readonly DateTimeOffset Latest = new(9999, 1, 1, 0, 0, 0, TimeSpan.Zero);

    // A name that is there twice could mean one thing to who checks it and another to who uses it (RFC 7519 §4).
    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false };

    private readonly JsonElement _root;

    private TokenClaims(JsonElement root) => _root = root;

    /// <summary>When it expires; <c>null</c>: it does not say, or not as a number.</summary>
    public DateTimeOffset? Expiry => _root.TryGetProperty("exp", out var seconds) ? Time(seconds) : null;

    /// <summary>From when on it is valid, always where it does not say; <c>null</c>: it does not say it as a number.</summary>
    public DateTimeOffset? NotBefore => _root.TryGetProperty("nbf", out var seconds) ? Time(seconds) : DateTimeOffset.UnixEpoch;

    /// <summary>Every claim that is one value, as text; lists and objects are left out.</summary>
    public ImmutableDictionary<string, string> All => _root.EnumerateObject()
        .Select(claim => (claim.Name, Value: TextOf(claim.Value)))
        .Where(claim => claim.Value is not null)
        .ToImmutableDictionary(claim => claim.Name, claim => claim.Value!, StringComparer.Ordinal);

    /// <summary>Reads what stands between the dots.</summary>
    public static bool TryRead(string encoded, [NotNullWhen(true)] out TokenClaims? claims)
    {
        claims = null;
        try
        {
            using var document = JsonDocument.Parse(Base64Url.DecodeFromChars(encoded), Strict);
            if (document.RootElement.ValueKind == JsonValueKind.Object)
            {
                claims = new TokenClaims(document.RootElement.Clone());
            }
        }
        catch (Exception malformed) when (malformed is JsonException or FormatException)
        {
            // Who issued the token has signed what is no JSON; the caller says so.
        }

        return claims is not null;
    }

    /// <summary>A claim as text; <c>null</c>: it is not there, or not one value.</summary>
    public string? Text(string name) => Find(name) is { } value ? TextOf(value) : null;

    /// <summary>A claim that lists texts, or is one text with spaces between them; empty: it is not there.</summary>
    public ImmutableHashSet<string> Texts(string name) => Find(name) switch
    {
        { ValueKind: JsonValueKind.Array } list => [.. list.EnumerateArray().Select(TextOf).OfType<string>()],
        { ValueKind: JsonValueKind.String } text => [.. text.GetString()!.Split(' ', StringSplitOptions.RemoveEmptyEntries)],
        _ => [],
    };

    private static string? TextOf(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => value.GetString(),
        JsonValueKind.Number or JsonValueKind.True or JsonValueKind.False => value.GetRawText(),
        _ => null,
    };

    /// <summary>Seconds since 1970, with a fraction or without (RFC 7519 §2).</summary>
    private static DateTimeOffset? Time(JsonElement seconds) => seconds.ValueKind == JsonValueKind.Number
        ? DateTimeOffset.UnixEpoch.AddSeconds(Math.Clamp(seconds.GetDouble(), 0, (Latest - DateTimeOffset.UnixEpoch).TotalSeconds))
        : null;

    /// <summary>The claim of that name, which may have dots in it; else what the names between the dots lead to.</summary>
    private JsonElement? Find(string name)
    {
        if (_root.TryGetProperty(name, out var value))
        {
            return value;
        }

        value = _root;
        foreach (var part in name.Split('.'))
        {
            if (value.ValueKind != JsonValueKind.Object || !value.TryGetProperty(part, out value))
            {
                return null;
            }
        }

        return value;
    }
}
