using Antiphon.Server.Tls;

namespace Antiphon.Server.Configuration;

/// <summary>The settings of each of the <c>listeners</c>, and what has to fit together in them.</summary>
internal static class ListenerSettings
{
    private static readonly FileKind File = new();

    private static readonly Shape<CertificateDraft> CertificateShape = new(
        new CertificateDraft(),
        check: (certificate, node, _) => certificate with { Node = node },
        required: ["certificate"],
        new Setting<CertificateDraft, string?>(
            "certificate",
            "A PEM file with the certificate and what it stands on, or a PFX file.",
            File!,
            draft => draft.Certificate,
            (draft, value) => draft with { Certificate = value }),
        new Setting<CertificateDraft, string?>(
            "key",
            "A PEM file with the private key; without it the key stands in the certificate's file.",
            File!,
            draft => draft.Key,
            (draft, value) => draft with { Key = value }),
        new Setting<CertificateDraft, string?>(
            "keyPasswordFile",
            "A file whose first line is the password of the private key or of the PFX file.",
            File!,
            draft => draft.PasswordFile,
            (draft, value) => draft with { PasswordFile = value }));

    public static Shape<ListenerDraft> Shape { get; } = new(
        new ListenerDraft(),
        Complete,
        required: ["url"],
        [
            new Setting<ListenerDraft, ListenerUrl?>(
                "url",
                "Where it listens and what it speaks, such as mqtt://0.0.0.0:1883, mqtts://0.0.0.0:8883 or wss://0.0.0.0:8084/mqtt.",
                new ListenerUrlKind()!,
                draft => draft.Url,
                (draft, value) => draft with { Url = value }),
            new Setting<ListenerDraft, string?>(
                "name",
                "Its name in logs and rules; without it the url is its name.",
                new TextKind()!,
                draft => draft.Name,
                (draft, value) => draft with { Name = value }),
            new Setting<ListenerDraft, bool>(
                "proxyProtocol",
                "Whether each connection begins with a header of the PROXY protocol, version 2, which says the client's address.",
                new BooleanKind(),
                draft => draft.ProxyProtocol,
                (draft, value) => draft with { ProxyProtocol = value }),
            .. CertificateShape.Settings.Select(OfTheListener),
            new Setting<ListenerDraft, IReadOnlyList<CertificateDraft>>(
                "moreCertificates",
                "Certificates for other host names, which stand in them; a client gets the one for the host that it names.",
                new ListKind<CertificateDraft>(CertificateShape),
                draft => draft.FurtherCertificates,
                (draft, value) => draft with { FurtherCertificates = value }),
            new Setting<ListenerDraft, ClientCertificates>(
                "clientCertificates",
                "Whether clients show a certificate.",
                new WordKind<ClientCertificates>(
                    ("none", ClientCertificates.None), ("ask", ClientCertificates.Ask), ("require", ClientCertificates.Require)),
                draft => draft.ClientCertificates,
                (draft, value) => draft with { ClientCertificates = value }),
            new Setting<ListenerDraft, string?>(
                "clientCa",
                "A PEM file with the authorities that may have issued clients' certificates.",
                File!,
                draft => draft.ClientCa,
                (draft, value) => draft with { ClientCa = value }),
            new Setting<ListenerDraft, CertificateUser>(
                "userFrom",
                "What in a client's certificate is its user name: the subject's common name, or one of the alternative names.",
                new WordKind<CertificateUser>(
                    ("none", CertificateUser.None),
                    ("cn", CertificateUser.CommonName),
                    ("san-dns", CertificateUser.DnsName),
                    ("san-email", CertificateUser.Email),
                    ("san-uri", CertificateUser.Uri)),
                draft => draft.UserFrom,
                (draft, value) => draft with { UserFrom = value }),
            new Setting<ListenerDraft, TlsVersion>(
                "oldestTls",
                "The oldest version of TLS that clients may speak.",
                new WordKind<TlsVersion>(("1.2", TlsVersion.Tls12), ("1.3", TlsVersion.Tls13)),
                draft => draft.MinimumTls,
                (draft, value) => draft with { MinimumTls = value }),
        ]);

    /// <summary>The certificate of a listener stands in the listener itself, beside the others.</summary>
    private static Setting<ListenerDraft> OfTheListener(Setting<CertificateDraft> setting)
    {
        var inner = (Setting<CertificateDraft, string?>)setting;
        return new Setting<ListenerDraft, string?>(
            inner.Name,
            inner.Description,
            File!,
            draft => inner.Get(draft.Certificate),
            (draft, value) => draft with { Certificate = inner.With(draft.Certificate, value) });
    }

    private static ListenerDraft Complete(ListenerDraft draft, Node node, ReadingContext context)
    {
        if (draft.Url is not { } url)
        {
            return draft;
        }

        var isEncrypted = url.Protocol is ListenerProtocol.Mqtts or ListenerProtocol.Wss;
        var tls = isEncrypted ? ReadTls(draft, node, context) : null;
        if (!isEncrypted)
        {
            string[] ofTls =
            [
                "certificate", "key", "keyPasswordFile", "moreCertificates", "clientCertificates", "clientCa", "userFrom", "oldestTls",
            ];
            foreach (var member in node.Members.Where(member => ofTls.Contains(member.Name, StringComparer.OrdinalIgnoreCase)))
            {
                context.Error(
                    member.NamePlace, $"«{member.Value.Path}» is for mqtts:// and wss:// only; «{url.Text}» is not encrypted.");
            }
        }

        return draft with
        {
            Node = node,
            Listener = isEncrypted && tls is null
                ? null
                : new ServerListener
                {
                    Name = draft.Name ?? url.Text,
                    Protocol = url.Protocol,
                    Bind = url.Bind,
                    Port = url.Port,
                    Path = url.Path,
                    ProxyProtocol = draft.ProxyProtocol,
                    Tls = tls,
                    Place = node.PlaceOf("url").ToString(),
                },
        };
    }

    private static ListenerTls? ReadTls(ListenerDraft draft, Node node, ReadingContext context)
    {
        if (draft.Certificate.Certificate is not { } certificate)
        {
            if (node.PlaceOf("certificate") == node.Place)
            {
                context.Error(node.PlaceOf("url"), $"«{node.PathOf("certificate")}» is missing: «{draft.Url!.Text}» is encrypted.");
            }

            return null;
        }

        var isAsking = draft.ClientCertificates != ClientCertificates.None;
        if (isAsking && draft.ClientCa is null && node.PlaceOf("clientCa") == node.Place)
        {
            context.Error(
                node.PlaceOf("clientCertificates"),
                $"«{node.PathOf("clientCa")}» is missing: it names the authorities that may have issued clients' certificates.");
        }
        else if (!isAsking && draft.ClientCa is not null)
        {
            context.Error(
                node.PlaceOf("clientCa"),
                $"«{node.PathOf("clientCa")}» is of no use: set «clientCertificates» to \"ask\" or \"require\", or leave it out.");
        }

        if (!isAsking && draft.UserFrom != CertificateUser.None)
        {
            context.Error(
                node.PlaceOf("userFrom"),
                $"«{node.PathOf("userFrom")}» is of no use: set «clientCertificates» to \"ask\" or \"require\", or leave it out.");
        }

        CertificateFiles Files(CertificateDraft one) =>
            new() { Certificate = one.Certificate ?? certificate, Key = one.Key, PasswordFile = one.PasswordFile };
        var places = new Dictionary<CertificateFiles, Node>(ReferenceEqualityComparer.Instance);
        var usual = Files(draft.Certificate);
        places[usual] = node;
        var further = new List<CertificateFiles>();
        foreach (var one in draft.FurtherCertificates.Where(one => one.Node is not null && one.Certificate is not null))
        {
            var files = Files(one);
            further.Add(files);
            places[files] = one.Node!;
        }

        var tls = new ListenerTls
        {
            Certificate = usual,
            FurtherCertificates = further,
            ClientCertificates = draft.ClientCertificates,
            ClientCa = draft.ClientCa,
            UserFrom = draft.UserFrom,
            MinimumVersion = draft.MinimumTls,
        };
        var flaws = new List<CertificateFlaw>();
        ListenerCertificates.Read(tls, context.Now, flaws);
        foreach (var flaw in flaws)
        {
            var place = (flaw.Files is null ? node : places[flaw.Files]).PlaceOf(NameOf(flaw.Part));
            if (flaw.IsWarning)
            {
                context.Warn(place, flaw.Sentence);
            }
            else
            {
                context.Error(place, flaw.Sentence);
            }
        }

        return tls;
    }

    private static string NameOf(CertificatePart part) => part switch
    {
        CertificatePart.Certificate => "certificate",
        CertificatePart.Key => "key",
        CertificatePart.PasswordFile => "keyPasswordFile",
        _ => "clientCa",
    };
}
