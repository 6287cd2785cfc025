using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Net;
using Antiphon.Cli.CommandLine;
using Antiphon.Server.Configuration;

namespace Antiphon.Cli.Brokers;

/// <summary>Where the command line has the broker listen. It takes the place of all listeners of a configuration file.</summary>
internal sealed class ListenerOptions
{
    private const int PlainPort = 1883;
    private const int EncryptedPort = 8883;

    private readonly Option<int?> _port = Values.Port(
        "The TCP port to listen on; 0 takes a free one. [default: 1883, or 8883 with --cert]");

    private readonly Option<BindAddress[]> _bind = new("--bind", "-b")
    {
        Description =
            "An address to listen on, with or without a port, such as 192.0.2.1:1884 or [::1]:1884; may be given several times. "
            + "0.0.0.0 is all addresses of IPv4, :: all of IPv6 and IPv4. "
            + "Other than a loopback address only with --password-file or --allow-anonymous. [default: 127.0.0.1]",
        HelpName = "ADDR",
        Arity = ArgumentArity.OneOrMore,
        CustomParser = ReadAddresses,
    };

    private readonly Option<FileInfo?> _certificate = new("--cert")
    {
        Description = "A certificate (PEM, with what it stands on behind it, or PFX): clients connect by TLS.",
        HelpName = "FILE",
    };

    private readonly Option<FileInfo?> _key = new("--key")
    {
        Description = "The private key of the certificate (PEM); without it the key stands in the file of --cert.",
        HelpName = "FILE",
    };

    public ListenerOptions(Command command)
    {
        command.Options.Add(_port);
        command.Options.Add(_bind);
        command.Options.Add(_certificate);
        command.Options.Add(_key);
    }

    /// <summary>The listeners as settings of the configuration; none: the command line says nothing of them.</summary>
    /// <param name="line">The command line.</param>
    /// <param name="isClosed">Whether an address that other machines reach is wrong, since nobody is asked who he is.</param>
    /// <exception cref="UsageException">It says what cannot be done.</exception>
    public IEnumerable<ConfigurationOverride> Read(ParseResult line, bool isClosed)
    {
        var (port, certificate, key) = (line.GetValue(_port), line.GetValue(_certificate), line.GetValue(_key));
        if (key is not null && certificate is null)
        {
            throw new UsageException("--key belongs to a certificate: give --cert too.");
        }

        var usualPort = port ?? (certificate is null ? PlainPort : EncryptedPort);
        var isBound = line.GetValue(_bind) is { Length: > 0 };
        IPEndPoint[] addresses = isBound
            ? [.. line.GetValue(_bind)!.Select(address => address.At(usualPort))]
            : [new IPEndPoint(IPAddress.Loopback, usualPort)];
        Check(addresses, isClosed);
        return isBound || port is not null || certificate is not null ? Settings(addresses, isBound, certificate, key) : [];
    }

    private static IEnumerable<ConfigurationOverride> Settings(
        IPEndPoint[] addresses, bool isBound, FileInfo? certificate, FileInfo? key)
    {
        yield return new ConfigurationOverride("listeners", "[]", "--bind");
        for (var i = 0; i < addresses.Length; i++)
        {
            var source = isBound ? $"--bind {addresses[i]}"
                : string.Create(CultureInfo.InvariantCulture, $"--port {addresses[i].Port}");
            var listener = string.Create(CultureInfo.InvariantCulture, $"listeners[{i}]");
            yield return new ConfigurationOverride(
                $"{listener}.url", $"{(certificate is null ? "mqtt" : "mqtts")}://{addresses[i]}", source);
            if (certificate is not null)
            {
                yield return new ConfigurationOverride($"{listener}.certificate", certificate.FullName, $"--cert {certificate}");
            }

            if (key is not null)
            {
                yield return new ConfigurationOverride($"{listener}.key", key.FullName, $"--key {key}");
            }
        }
    }

    private static BindAddress[] ReadAddresses(ArgumentResult result)
    {
        var addresses = new List<BindAddress>();
        foreach (var token in result.Tokens)
        {
            if (BindAddress.TryParse(token.Value) is { } address)
            {
                addresses.Add(address);
            }
            else
            {
                result.AddError(
                    $"--bind «{token.Value}» is not an IP address; write for instance 127.0.0.1, ::1, 0.0.0.0 or [::1]:1884.");
            }
        }

        return [.. addresses];
    }

    private static void Check(IPEndPoint[] addresses, bool isClosed)
    {
        if (isClosed && addresses.FirstOrDefault(address => !IPAddress.IsLoopback(address.Address)) is { } open)
        {
            throw new UsageException(
                $"--bind {open.Address} is open to other machines. "
                + "Give --password-file to let in users with a password, or --allow-anonymous to let in everybody.");
        }

        if (addresses.GroupBy(address => address).FirstOrDefault(same => same.Count() > 1) is { } twice)
        {
            throw new UsageException($"--bind {twice.Key} is given twice.");
        }
    }
}
