namespace Antiphon.Server.Tls;

/// <summary>Which of its files a flaw of a certificate is in.</summary>
internal enum CertificatePart
{
    Certificate,
    Key,
    PasswordFile,
    ClientCa,
}

/// <summary>Something that is wrong with a certificate or with the files that it stands in.</summary>
/// <param name="Files">The certificate's files; <c>null</c>: it is in the authorities of clients' certificates.</param>
/// <param name="Part">Which of the files.</param>
/// <param name="Sentence">What is wrong, with the file's name.</param>
/// <param name="IsWarning">Whether it can be served all the same.</param>
internal sealed record CertificateFlaw(CertificateFiles? Files, CertificatePart Part, string Sentence, bool IsWarning = false);
