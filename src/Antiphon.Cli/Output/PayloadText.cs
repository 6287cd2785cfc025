using System.Text;
using System.Text.Unicode;

namespace Antiphon.Cli.Output;

/// <summary>A payload in JSON: as text where it is UTF-8, else in Base64 under another name, so that a reader never has to guess.</summary>
/// <param name="Text">The payload, if it is UTF-8.</param>
/// <param name="Base64">The payload, if it is not.</param>
internal readonly record struct PayloadText(string? Text, string? Base64)
{
    public static PayloadText From(ReadOnlySpan<byte> payload) => Utf8.IsValid(payload)
        ? new PayloadText(Encoding.UTF8.GetString(payload), null)
        : new PayloadText(null, Convert.ToBase64String(payload));

    /// <summary>For people: the text in quotation marks and cut at 60 characters, or the number of bytes.</summary>
    public static string Describe(ReadOnlySpan<byte> payload) => From(payload).Text switch
    {
        null => $"{payload.Length} bytes",
        { Length: > 60 } text => $"\"{text[..60]}…\"",
        var text => $"\"{text}\"",
    };
}
