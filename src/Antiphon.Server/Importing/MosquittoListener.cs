using System.Globalization;
using System.Net;
using Antiphon.Server.Configuration;

namespace Antiphon.Server.Importing;

/// <summary>What mosquitto's configuration says of one listener.</summary>
/// <param name="line">The line that began it; <c>null</c>: it is the one that needs no line.</param>
internal sealed class MosquittoListener(MosquittoLine? line)
{
    private readonly Dictionary<string, MosquittoLine> _lines = new(StringComparer.Ordinal);

    /// <summary>Where it begins.</summary>
    public MosquittoLine? Line { get; } = line;

    /// <summary>Whether anything was said of it.</summary>
    public bool IsSaid => Line is not null || _lines.Count > 0;

    /// <summary>Whether it takes its users from certificates.</summary>
    public bool HasIdentity => IsTrue("use_identity_as_username");

    /// <summary>A line about it; a later one counts more than an earlier one.</summary>
    public void Put(MosquittoLine one) => _lines[one.Name] = one;

    /// <summary>The line with that name; <c>null</c>: there is none.</summary>
    public MosquittoLine? Find(string name) => _lines.GetValueOrDefault(name);

    /// <summary>Whether only programs on the same machine reach it: nothing says where it listens.</summary>
    public bool IsLocalOnly => Line is null && Find("port") is null && Find("bind_address") is null;

    /// <summary>The members of its object in our configuration, in order; <c>null</c>: it cannot be translated, which was logged.</summary>
    public IReadOnlyList<(string Name, string Value)>? Translate(TranslationLog log)
    {
        var refusals = log.Refusals.Count;
        var members = new List<(string, string)>();
        var certificate = Find("certfile");
        var isWebSocket = Find("protocol")?.Value == "websockets";
        var scheme = (isWebSocket ? "ws" : "mqtt") + (certificate is null ? "" : "s");
        if (Address(log) is { } address)
        {
            members.Add(("url", $"{scheme}://{address}"));
        }

        if (Find("protocol") is { Value: not ("mqtt" or "websockets") } protocol)
        {
            log.Refuse(protocol, "There are mqtt and websockets.");
        }
        else if (isWebSocket)
        {
            log.Note(Find("protocol")!, "Clients have to name the path /mqtt, where mosquitto took any.");
        }

        if (certificate is not null)
        {
            TranslateTls(certificate, members, log);
        }
        else if (Find("require_certificate") is { } demanding && IsTrue("require_certificate"))
        {
            log.Refuse(demanding, "There is no certfile, so that clients do not speak TLS.");
        }

        return log.Refusals.Count == refusals ? members : null;
    }

    private bool IsTrue(string name) => Find(name)?.Value is "true" or "1";

    private void TranslateTls(MosquittoLine certificate, List<(string, string)> members, TranslationLog log)
    {
        members.Add(("certificate", MosquittoConfiguration.PathOf(certificate)));
        if (Find("keyfile") is { } key)
        {
            members.Add(("key", MosquittoConfiguration.PathOf(key)));
        }
        else
        {
            log.Refuse(certificate, "There is no keyfile for it.");
        }

        switch (Find("tls_version"))
        {
            case { Value: "tlsv1.3" }:
                members.Add(("oldestTls", "1.3"));
                break;
            case null or { Value: "tlsv1.2" }:
                break;
            case { } old:
                log.Refuse(old, "The oldest version of TLS here is 1.2; there are tlsv1.2 and tlsv1.3.");
                break;
        }

        if (!IsTrue("require_certificate"))
        {
            if (Find("cafile") is { } unused)
            {
                log.Note(unused, "It is left out: clients are not asked for a certificate.");
            }

            if (HasIdentity)
            {
                log.Refuse(Find("use_identity_as_username")!, "It needs require_certificate true.");
            }

            return;
        }

        members.Add(("clientCertificates", "require"));
        if (Find("cafile") is { } authorities)
        {
            members.Add(("clientCa", MosquittoConfiguration.PathOf(authorities)));
        }
        else
        {
            log.Refuse(Find("require_certificate")!, "There is no cafile that says which authorities may have issued certificates.");
        }

        if (HasIdentity)
        {
            members.Add(("userFrom", "cn"));
        }
    }

    /// <summary>The address and the port to listen on; <c>null</c>: there are none, which was logged.</summary>
    private string? Address(TranslationLog log)
    {
        string[] parts = Line?.Value.Split(' ', StringSplitOptions.RemoveEmptyEntries) ?? [Find("port")?.Value ?? "1883"];
        var place = Line ?? Find("port") ?? Find("bind_address");
        if (parts is not [var port, ..]
            || parts.Length > 2
            || !ushort.TryParse(port, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
        {
            log.Refuse(place!, "It is not a port with an address behind it or nothing.");
            return null;
        }

        var bind = parts is [_, var host] ? host : Find("bind_address")?.Value;
        if (bind?.StartsWith('/') is true || number == 0)
        {
            log.Refuse(place!, "There is no listening on sockets of the file system here.");
            return null;
        }

        if (bind is null)
        {
            var domain = Find("socket_domain");
            if (domain is { Value: not "ipv4" })
            {
                log.Refuse(domain, "An address of IPv6 takes IPv4 here as well; name an address.");
                return null;
            }

            bind = IsLocalOnly ? "127.0.0.1" : domain is null ? "::" : "0.0.0.0";
        }

        var url = $"mqtt://{(bind.Contains(':', StringComparison.Ordinal) ? $"[{bind}]" : bind)}:{number}";
        if (ListenerUrl.Parse(url, out _) is { } known)
        {
            return $"{new IPEndPoint(known.Bind, known.Port)}";
        }

        log.Refuse(place!, $"«{bind}» is not an IP address to listen on.");
        return null;
    }
}
