using System.Diagnostics.CodeAnalysis;
using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Antiphon.Server.Users;

/// <summary>Finds the user's name in a client's certificate (RFC 5280 §4.1.2.6, §4.2.1.6).</summary>
internal static class CertificateNames
{
    private const string CommonName = "2.5.4.3";
    private const string AlternativeNames = "2.5.29.17";

    /// <summary>Finds the name, which has to be there once: of two, nobody could say which is the user.</summary>
    /// <param name="certificate">A certificate that has been checked.</param>
    /// <param name="part">Where the name stands.</param>
    /// <param name="name">The name.</param>
    /// <param name="mistake">Otherwise a sentence for the client.</param>
    public static bool TryFind(
        X509Certificate2 certificate,
        CertificateUser part,
        [NotNullWhen(true)] out string? name,
        [NotNullWhen(false)] out string? mistake)
    {
        string[] names;
        try
        {
            names = [.. part == CertificateUser.CommonName ? CommonNames(certificate) : Alternatives(certificate, TagOf(part))];
        }
        catch (Exception malformed) when (malformed is AsnContentException or CryptographicException)
        {
            names = [];
        }

        // A name that ends early for one reader and not for another is a trick.
        var isPlain = names is [{ Length: > 0 } only] && !only.Any(char.IsControl);
        name = isPlain ? names[0] : null;
        mistake = isPlain
            ? null
            : $"The client's certificate has to have one {Noun(part)}, to be its user name; "
                + $"it has {(names.Length == 1 ? "a bad one" : $"{names.Length}")}.";
        return name is not null;
    }

    private static IEnumerable<string> CommonNames(X509Certificate2 certificate)
    {
        foreach (var part in certificate.SubjectName.EnumerateRelativeDistinguishedNames())
        {
            if (part.HasMultipleElements)
            {
                // One of several things said at once; which of them is the name is nowhere said.
                throw new AsnContentException();
            }

            if (part.GetSingleElementType().Value == CommonName)
            {
                yield return part.GetSingleElementValue() ?? "";
            }
        }
    }

    private static IEnumerable<string> Alternatives(X509Certificate2 certificate, Asn1Tag wanted)
    {
        foreach (var extension in certificate.Extensions.Where(extension => extension.Oid?.Value == AlternativeNames))
        {
            var names = new AsnReader(extension.RawData, AsnEncodingRules.DER).ReadSequence();
            while (names.HasData)
            {
                if (names.PeekTag() == wanted)
                {
                    yield return names.ReadCharacterString(UniversalTagNumber.IA5String, wanted);
                }
                else
                {
                    names.ReadEncodedValue();
                }
            }
        }
    }

    /// <summary>GeneralName ::= CHOICE { …, rfc822Name [1], dNSName [2], …, uniformResourceIdentifier [6], … }.</summary>
    private static Asn1Tag TagOf(CertificateUser part) => new(
        TagClass.ContextSpecific,
        part switch
        {
            CertificateUser.Email => 1,
            CertificateUser.DnsName => 2,
            CertificateUser.Uri => 6,
            _ => throw new ArgumentOutOfRangeException(nameof(part), part, "It stands among no alternative names."),
        });

    private static string Noun(CertificateUser part) => part switch
    {
        CertificateUser.CommonName => "common name (CN)",
        CertificateUser.DnsName => "DNS name",
        CertificateUser.Email => "address of e-mail",
        _ => "URI",
    };
}
