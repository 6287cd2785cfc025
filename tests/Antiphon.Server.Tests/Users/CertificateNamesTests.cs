using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Antiphon.Server.Users;

namespace Antiphon.Server.Tests.Users;

public sealed class CertificateNamesTests
{
    [Theory]
    [InlineData(CertificateUser.CommonName, "device 1")]
    [InlineData(CertificateUser.DnsName, "device-1.example")]
    [InlineData(CertificateUser.Email, "ann@example.com")]
    [InlineData(CertificateUser.Uri, "spiffe://example/device/1")]
    public void The_name_is_found_where_it_stands(CertificateUser part, string expected)
    {
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(System.Net.IPAddress.Loopback);
        names.AddEmailAddress("ann@example.com");
        names.AddDnsName("device-1.example");
        names.AddUri(new Uri("spiffe://example/device/1"));
        names.AddUserPrincipalName("ann@corp");

        Assert.Equal((expected, null), Find("CN=device 1, O=Devices", part, names.Build()));
    }

    [Theory]
    [InlineData(CertificateUser.CommonName, "common name (CN)")]
    [InlineData(CertificateUser.DnsName, "DNS name")]
    [InlineData(CertificateUser.Email, "address of e-mail")]
    [InlineData(CertificateUser.Uri, "URI")]
    public void Without_one_there_is_no_user(CertificateUser part, string noun) =>
        Assert.Equal(
            (null, $"The client's certificate has to have one {noun}, to be its user name; it has 0."), Find("O=Devices", part));

    [Fact]
    public void Of_two_names_none_is_the_user()
    {
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("a.example");
        names.AddDnsName("b.example");

        Assert.EndsWith("it has 2.", Find("CN=a, CN=b", CertificateUser.CommonName).Mistake, StringComparison.Ordinal);
        Assert.EndsWith("it has 2.", Find("CN=a", CertificateUser.DnsName, names.Build()).Mistake, StringComparison.Ordinal);
        Assert.EndsWith("it has 0.", Find(TwoAtOnce(), CertificateUser.CommonName).Mistake, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("ann\0.evil.example")]
    [InlineData("ann\n")]
    [InlineData("")]
    public void A_name_with_control_characters_and_an_empty_one_is_none(string name)
    {
        var names = new AsnWriter(AsnEncodingRules.DER);
        using (names.PushSequence())
        {
            names.WriteCharacterString(UniversalTagNumber.IA5String, name, new Asn1Tag(TagClass.ContextSpecific, 2));
        }

        Assert.EndsWith(
            "it has a bad one.",
            Find("CN=a", CertificateUser.DnsName, new X509Extension("2.5.29.17", names.Encode(), critical: false)).Mistake,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Names_that_cannot_be_read_are_none() =>
        Assert.EndsWith(
            "it has 0.",
            Find("CN=a", CertificateUser.DnsName, new X509Extension("2.5.29.17", [0x30, 5, 1], critical: false)).Mistake,
            StringComparison.Ordinal);

    /// <summary>A subject whose one part says a common name and an organizational unit.</summary>
    private static X500DistinguishedName TwoAtOnce()
    {
        var subject = new AsnWriter(AsnEncodingRules.DER);
        using (subject.PushSequence())
        using (subject.PushSetOf())
        {
            foreach (var type in new[] { "2.5.4.3", "2.5.4.11" })
            {
                using (subject.PushSequence())
                {
                    subject.WriteObjectIdentifier(type);
                    subject.WriteCharacterString(UniversalTagNumber.UTF8String, "a");
                }
            }
        }

        return new X500DistinguishedName(subject.Encode());
    }

    private static (string? Name, string? Mistake) Find(string subject, CertificateUser part, X509Extension? names = null) =>
        Find(new X500DistinguishedName(subject), part, names);

    private static (string? Name, string? Mistake) Find(X500DistinguishedName subject, CertificateUser part, X509Extension? names = null)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(subject, key, HashAlgorithmName.SHA256);
        if (names is not null)
        {
            request.CertificateExtensions.Add(names);
        }

        var now = TimeProvider.System.GetUtcNow();
        using var certificate = request.CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
        CertificateNames.TryFind(certificate, part, out var name, out var mistake);
        return (name, mistake);
    }
}
