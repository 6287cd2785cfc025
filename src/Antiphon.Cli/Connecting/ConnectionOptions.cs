using System.CommandLine;
using System.CommandLine.Parsing;
using System.Text;
using Antiphon.Cli.CommandLine;
using Antiphon.Cli.Output;
using Antiphon.Client;
using Antiphon.Protocol;
using Antiphon.Protocol.Authentication;

namespace Antiphon.Cli.Connecting;

/// <summary>
/// Which broker a command talks to, and as whom. Passwords come from the environment or from a file,
/// since a command line can be read by every user of a machine.
/// </summary>
internal sealed class ConnectionOptions
{
    private const string PasswordVariable = "ANTIPHON_PASSWORD";

    private readonly Option<Uri?> _url = new("--url", "-L")
    {
        Description =
            "The broker: mqtt://HOST, mqtts://HOST (TLS), ws://HOST/PATH or wss://HOST/PATH (WebSocket), "
            + "with :PORT where it is not the usual one.",
        HelpName = "URL",
        CustomParser = ReadUrl,
    };

    private readonly Option<string?> _host = new("--host")
    {
        Description = "The broker's host name or address. [default: localhost]",
        HelpName = "HOST",
    };

    private readonly Option<int?> _port = Values.ServerPort("The broker's TCP port. [default: 1883, with TLS 8883]");

    private readonly Option<ProtocolVersion?> _version = new("--protocol-version", "-V")
    {
        Description = "The version of MQTT to speak. [default: 5]",
        HelpName = "5|311",
        CustomParser = ReadVersion,
    };

    private readonly Option<string?> _clientId = new("--client-id", "-i")
    {
        Description = "The Client Identifier; without it, a random one.",
        HelpName = "ID",
    };

    private readonly Option<string?> _userName = new("--username", "-u")
    {
        Description = $"The user name. The password is taken from --password-file or from the environment variable {PasswordVariable}.",
        HelpName = "NAME",
    };

    private readonly Option<FileInfo?> _passwordFile = new("--password-file")
    {
        Description = "A file that holds the password; a line end behind it does not count.",
        HelpName = "FILE",
    };

    private readonly Option<string?> _authentication = new("--auth-method")
    {
        Description = $"Proves the password by enhanced authentication instead of sending it; there is {ScramCredential.MethodName}.",
        HelpName = "METHOD",
    };

    private readonly TlsSettings _tls;
    private readonly Terminal _terminal;

    public ConnectionOptions(Command command, Terminal terminal)
    {
        _terminal = terminal;
        command.Options.Add(_url);
        command.Options.Add(_host);
        command.Options.Add(_port);
        command.Options.Add(_clientId);
        command.Options.Add(_userName);
        command.Options.Add(_passwordFile);
        command.Options.Add(_authentication);
        _tls = new TlsSettings(command, terminal);
        command.Options.Add(_version);
        _version.CompletionSources.Clear();
        _version.CompletionSources.Add("5", "311");
        command.Validators.Add(result =>
        {
            if (result.GetResult(_url) is not null && (result.GetResult(_host) is not null || result.GetResult(_port) is not null))
            {
                result.AddError("--url names the broker; leave --host and --port out.");
            }

            if (result.GetResult(_authentication) is { Tokens: [{ Value: not ScramCredential.MethodName and var method }] })
            {
                result.AddError($"--auth-method «{method}» is not known; there is {ScramCredential.MethodName}.");
            }
        });
    }

    /// <summary>
    /// Connects, or throws <see cref="ConnectFailedException"/>.
    /// When the connection is lost later, the client makes a new one, and the person at the terminal hears of it.
    /// </summary>
    public async Task<MqttClient> ConnectAsync(ParseResult line, CancellationToken cancellationToken) =>
        await ConnectAsync(await ReadAsync(line, cancellationToken), cancellationToken);

    /// <summary>As the other, with options that the command has changed.</summary>
    public async Task<MqttClient> ConnectAsync(MqttClientOptions options, CancellationToken cancellationToken)
    {
        try
        {
            var client = await MqttClient.ConnectAsync(options, cancellationToken);
            Watch(client, options.Server);
            return client;
        }
        catch (ConnectionException e)
        {
            throw new ConnectFailedException(options, e);
        }
        catch (ArgumentException e)
        {
            throw new UsageException(e.Message);
        }
    }

    /// <summary>What the command line says about the connection.</summary>
    public async Task<MqttClientOptions> ReadAsync(ParseResult line, CancellationToken cancellationToken)
    {
        var options = line.GetValue(_url) is { } url
            ? MqttClientOptions.FromUri(url)
            : new MqttClientOptions { Host = line.GetValue(_host) ?? "localhost", Port = line.GetValue(_port) };
        var userName = line.GetValue(_userName) ?? options.UserName;
        var password = await ReadPasswordAsync(line.GetValue(_passwordFile), cancellationToken);
        options = options with
        {
            ProtocolVersion = line.GetValue(_version) ?? ProtocolVersion.V5,
            Tls = _tls.Read(line, options.Tls),
            ClientId = line.GetValue(_clientId),
        };
        if (line.GetValue(_authentication) is null)
        {
            return options with { UserName = userName, Password = password };
        }

        return string.IsNullOrEmpty(userName)
            ? throw new UsageException("--auth-method proves a user's password: give --username.")
            : options with { UserName = null, Authentication = () => new ScramSha256Exchange(userName, password ?? default) };
    }

    private void Watch(MqttClient client, string broker)
    {
        // Events come one at a time and in order, so that the flag needs no lock.
        var isLost = false;
        client.StateChanged += (_, change) =>
        {
            if (change.State == ConnectionState.Reconnecting)
            {
                isLost = true;
                _terminal.Note(
                    $"The connection to {broker} was lost{(change.ReasonCode is { } code ? $" (0x{(byte)code:X2} {code})" : "")}; "
                    + "connecting again.");
            }
            else if (change.State == ConnectionState.Connected && isLost)
            {
                isLost = false;
                _terminal.Note($"Connected again to {broker}.");
            }
        };
    }

    private static Uri? ReadUrl(ArgumentResult result)
    {
        var text = result.Tokens[0].Value;
        if (!Uri.TryCreate(text, UriKind.Absolute, out var url))
        {
            result.AddError("--url is not a URL; write for instance mqtts://broker.example or ws://localhost:8083/mqtt.");
            return null;
        }

        try
        {
            // A command line can be read by every user of a machine.
            if (MqttClientOptions.FromUri(url).Password is null)
            {
                return url;
            }

            result.AddError(
                "--url holds a password, which every user of this machine could read; "
                + $"put it into {PasswordVariable} or a --password-file.");
        }
        catch (ArgumentException e)
        {
            result.AddError($"--url: {Values.WithoutParameter(e)}");
        }

        return null;
    }

    private static ProtocolVersion? ReadVersion(ArgumentResult result)
    {
        switch (result.Tokens[0].Value)
        {
            case "5":
                return ProtocolVersion.V5;
            case "311":
                return ProtocolVersion.V311;
            case var other:
                result.AddError($"--protocol-version «{other}» is not spoken here; use 5 or 311 (for 3.1.1).");
                return null;
        }
    }

    private static async Task<ReadOnlyMemory<byte>?> ReadPasswordAsync(FileInfo? file, CancellationToken cancellationToken)
    {
        if (file is null)
        {
            return Environment.GetEnvironmentVariable(PasswordVariable) is { Length: > 0 } password
                ? Encoding.UTF8.GetBytes(password)
                : (ReadOnlyMemory<byte>?)null;
        }

        try
        {
            var bytes = await File.ReadAllBytesAsync(file.FullName, cancellationToken);
            return bytes.AsMemory().TrimEnd("\r\n"u8);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"The password file «{file}» cannot be read: {e.Message}");
        }
    }
}
