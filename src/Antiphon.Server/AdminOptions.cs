using System.Net;

namespace Antiphon.Server;

/// <summary>The endpoint for operators: HTTP, for who has the token in a file. Immutable.</summary>
public sealed record AdminOptions
{
    /// <summary>The address to listen on; 127.0.0.1 unless said otherwise. Another than a loopback one only with a certificate.</summary>
    public IPAddress Bind { get; init; } = IPAddress.Loopback;

    /// <summary>The TCP port, 0 to 65,535; 0 takes a free one. 8081 unless said otherwise.</summary>
    public int Port { get; init; } = 8081;

    /// <summary>
    /// The file whose first line is the token, 16 characters or more. Where there is no such file it is made, with a token that nobody can
    /// guess, readable for its owner only.
    /// </summary>
    public required string TokenFile { get; init; }

    /// <summary>The certificate for HTTPS; <c>null</c>: plain HTTP.</summary>
    public CertificateFiles? Certificate { get; init; }

    internal ListenerTls? Tls => Certificate is null ? null : new ListenerTls { Certificate = Certificate };

    internal string Url(int port) => $"{(Certificate is null ? "http" : "https")}://{new IPEndPoint(Bind, port)}";

    internal IEnumerable<string> Mistakes()
    {
        if (Port is < 0 or > ushort.MaxValue)
        {
            yield return $"Port of the admin endpoint is {Port}; it has to be 0 to 65,535.";
        }

        if (Certificate is null && !IPAddress.IsLoopback(Bind))
        {
            yield return OpenSentence(Bind);
        }
    }

    internal static string OpenSentence(IPAddress bind) =>
        $"The admin endpoint is bound to {bind}, which other machines can reach, and the token would cross the network in the clear: "
            + "give it a certificate, which makes it HTTPS, or bind a loopback address.";
}
