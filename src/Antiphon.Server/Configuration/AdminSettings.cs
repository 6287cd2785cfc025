using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Text.Json;
using Antiphon.Server.Administration;
using Antiphon.Server.Tls;

namespace Antiphon.Server.Configuration;

/// <summary>The settings below <c>admin</c>, and what has to fit together in them.</summary>
internal static class AdminSettings
{
    private static readonly FileKind File = new();

    public static Shape<AdminDraft> Shape { get; } = new(
        new AdminDraft(),
        Complete,
        required: ["url", "tokenFile"],
        new Setting<AdminDraft, AdminUrl?>(
            "url",
            "Where operators reach the broker, such as http://127.0.0.1:8081; with a certificate https://0.0.0.0:8081.",
            new AdminUrlKind()!,
            draft => draft.Url,
            (draft, value) => draft with { Url = value }),
        new Setting<AdminDraft, string?>(
            "tokenFile",
            "The file whose first line is the token; it is made where there is none.",
            File!,
            draft => draft.TokenFile,
            (draft, value) => draft with { TokenFile = value }),
        new Setting<AdminDraft, string?>(
            "certificate",
            "A PEM file with the certificate for https:// and what it stands on, or a PFX file.",
            File!,
            draft => draft.Certificate,
            (draft, value) => draft with { Certificate = value }),
        new Setting<AdminDraft, string?>(
            "key",
            "A PEM file with the private key; without it the key stands in the certificate's file.",
            File!,
            draft => draft.Key,
            (draft, value) => draft with { Key = value }),
        new Setting<AdminDraft, string?>(
            "keyPasswordFile",
            "A file whose first line is the password of the private key or of the PFX file.",
            File!,
            draft => draft.KeyPasswordFile,
            (draft, value) => draft with { KeyPasswordFile = value }));

    private static AdminDraft Complete(AdminDraft draft, Node node, ReadingContext context)
    {
        if (draft is not { Url: { } url, TokenFile: { } tokenFile })
        {
            return draft;
        }

        if (!url.IsEncrypted)
        {
            foreach (var member in node.Members.Where(member => member.Name is "certificate" or "key" or "keyPasswordFile"))
            {
                context.Error(member.NamePlace, $"«{member.Value.Path}» is for https:// only; «{url.Text}» is not encrypted.");
            }

            if (!IPAddress.IsLoopback(url.Bind))
            {
                context.Error(node.PlaceOf("url"), AdminOptions.OpenSentence(url.Bind));
            }
        }
        else if (draft.Certificate is null)
        {
            context.Error(node.PlaceOf("url"), $"«{node.PathOf("certificate")}» is missing: «{url.Text}» is encrypted.");
        }

        // Where there is no such file, the broker makes it.
        if (System.IO.File.Exists(tokenFile) && AdminToken.Read(tokenFile).Mistake is { } mistake)
        {
            context.Error(node.PlaceOf("tokenFile"), mistake);
        }
        else if (AdminToken.Warning(tokenFile) is { } warning)
        {
            context.Warn(node.PlaceOf("tokenFile"), warning);
        }

        var options = new AdminOptions
        {
            Bind = url.Bind,
            Port = url.Port,
            TokenFile = tokenFile,
            Certificate = url.IsEncrypted && draft.Certificate is { } certificate
                ? new CertificateFiles { Certificate = certificate, Key = draft.Key, PasswordFile = draft.KeyPasswordFile }
                : null,
        };
        if (options.Tls is { } tls)
        {
            var flaws = new List<CertificateFlaw>();
            ListenerCertificates.Read(tls, context.Now, flaws);
            foreach (var flaw in flaws)
            {
                Action<Place, string> say = flaw.IsWarning ? context.Warn : context.Error;
                say(node.PlaceOf(NameOf(flaw.Part)), flaw.Sentence);
            }
        }

        return draft with { Options = options };
    }

    private static string NameOf(CertificatePart part) => part switch
    {
        CertificatePart.Key => "key",
        CertificatePart.PasswordFile => "keyPasswordFile",
        _ => "certificate",
    };
}

/// <summary>What is written below <c>admin</c>, before it is known to be right. Immutable.</summary>
internal sealed record AdminDraft
{
    public AdminUrl? Url { get; init; }

    public string? TokenFile { get; init; }

    public string? Certificate { get; init; }

    public string? Key { get; init; }

    public string? KeyPasswordFile { get; init; }

    /// <summary>What it stands for; <c>null</c>: it does not fit together.</summary>
    public AdminOptions? Options { get; init; }
}

/// <summary>Where the admin endpoint listens, in one text.</summary>
internal sealed record AdminUrl(string Text, IPAddress Bind, int Port, bool IsEncrypted)
{
    private const string Example = "such as http://127.0.0.1:8081 or https://0.0.0.0:8081";

    /// <summary>Reads a URL.</summary>
    /// <param name="text">The text.</param>
    /// <param name="mistake">What is wrong with it, a sentence; <c>null</c>: nothing.</param>
    public static AdminUrl? Parse(string text, out string? mistake)
    {
        mistake = null;
        if (!Uri.TryCreate(text, UriKind.Absolute, out var url) || url.Scheme is not ("http" or "https"))
        {
            mistake = $"«{text}» is not an address of HTTP; write one {Example}.";
        }
        else if (url.PathAndQuery != "/" || url.Fragment.Length > 0 || url.UserInfo.Length > 0)
        {
            mistake = $"«{text}» has more than an address and a port in it; write one {Example}.";
        }
        else if (url.Host == "localhost" || IPAddress.TryParse(url.Host, out _))
        {
            return new AdminUrl(
                text, url.Host == "localhost" ? IPAddress.Loopback : IPAddress.Parse(url.Host), url.Port, url.Scheme == "https");
        }
        else
        {
            mistake = $"«{url.Host}» in «{text}» is not an IP address to listen on; write one {Example}.";
        }

        return null;
    }
}

/// <summary>The URL of the admin endpoint.</summary>
internal sealed class AdminUrlKind : Kind<AdminUrl>
{
    private static readonly TextKind Text = new();

    public override bool TryRead(Node node, ReadingContext context, [MaybeNullWhen(false)] out AdminUrl value)
    {
        value = null;
        if (!Text.TryRead(node, context, out var text))
        {
            return false;
        }

        value = AdminUrl.Parse(text, out var mistake);
        if (mistake is not null)
        {
            context.Error(node.Place, $"«{node.Path}»: {mistake}");
        }

        return value is not null;
    }

    public override void WriteSchema(Utf8JsonWriter schema)
    {
        schema.WriteString("type", "string");
        schema.WriteString("pattern", "^https?://");
    }
}
