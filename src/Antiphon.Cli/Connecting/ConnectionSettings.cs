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
/// The options that say which broker, in which way, and as which user: those that a context may save.
/// Passwords come from the environment or from a file, since a command line can be read by every user of a machine.
/// </summary>
internal sealed class ConnectionSettings
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

    private readonly Option<ProtocolVersion?> _version = new("--protocol-version", "-V")
    {
        Description = "The version of MQTT to speak. [default: 5]",
        HelpName = "5|311",
        CustomParser = ReadVersion,
    };

    private readonly TlsSettings _tls;

    // What a context is read with: the same options, and nothing else.
    private readonly Command _saved = new("context");

    public ConnectionSettings(Command command, Terminal terminal)
    {
        _version.CompletionSources.Clear();
        _version.CompletionSources.Add("5", "311");
        _host.Validators.Add(CheckHost);
        _saved.Options.Add(_url);
        _saved.Options.Add(_host);
        _saved.Options.Add(_port);
        _saved.Options.Add(_userName);
        _saved.Options.Add(_passwordFile);
        _saved.Options.Add(_authentication);
        _tls = new TlsSettings(_saved, terminal);
        _saved.Options.Add(_version);
        _saved.Validators.Add(result =>
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
        foreach (var option in _saved.Options)
        {
            command.Options.Add(option);
        }

        foreach (var validator in _saved.Validators)
        {
            command.Validators.Add(validator);
        }
    }

    /// <summary>Whether the command line says by itself which broker it is about.</summary>
    public bool NamesBroker(ParseResult line) => line.GetResult(_url) is not null || line.GetResult(_host) is not null;

    /// <summary>The options that a command line gives, without their dashes, and their values; files with their whole path.</summary>
    public IDictionary<string, string[]> Save(ParseResult line) => _saved.Options
        .Where(option => line.GetResult(option) is { Implicit: false })
        .ToDictionary(
            option => option.Name[2..],
            option => option is Option<FileInfo?> file
                ? [line.GetValue(file)!.FullName]
                : option is Option<bool> ? [] : line.GetResult(option)!.Tokens.Select(token => token.Value).ToArray());

    /// <summary>What <see cref="Save"/> gave, as arguments.</summary>
    public static IEnumerable<string> Arguments(IReadOnlyDictionary<string, string[]> saved) => saved.SelectMany(
        option => option.Value.Length == 0 ? [$"--{option.Key}"] : option.Value.Select(value => $"--{option.Key}={value}"));

    /// <summary>Reads what <see cref="Save"/> gave.</summary>
    /// <exception cref="UsageException">It was changed, and says what a command line may not say.</exception>
    public ParseResult Restore(string name, IReadOnlyDictionary<string, string[]> saved)
    {
        var parsed = _saved.Parse([.. Arguments(saved)], new ParserConfiguration { ResponseFileTokenReplacer = null });
        return parsed.Errors.Count == 0
            ? parsed
            : throw new UsageException(
                $"The context «{name}» is not valid: {string.Join(' ', parsed.Errors.Select(error => error.Message))}");
    }

    /// <summary>What is said about the connection.</summary>
    public async Task<MqttClientOptions> ReadAsync(SettingSource line, CancellationToken cancellationToken)
    {
        var options = line.GetValue(_url) is { } url
            ? MqttClientOptions.FromUri(url)
            : new MqttClientOptions { Host = line.GetValue(_host) ?? "localhost" };
        var userName = line.GetValue(_userName) ?? options.UserName;
        var password = await ReadPasswordAsync(line.GetValue(_passwordFile), cancellationToken);
        options = options with
        {
            Port = line.GetValue(_port) ?? options.Port,
            ProtocolVersion = line.GetValue(_version) ?? ProtocolVersion.V5,
            Tls = _tls.Read(line, options.Tls),
        };
        if (line.GetValue(_authentication) is null)
        {
            return options with { UserName = userName, Password = password };
        }

        if (options.ProtocolVersion == ProtocolVersion.V311)
        {
            throw new UsageException("MQTT 3.1.1 has no --auth-method: leave it out, or speak MQTT 5.");
        }

        return string.IsNullOrEmpty(userName)
            ? throw new UsageException("--auth-method proves a user's password: give --username.")
            : options with { UserName = null, Authentication = () => new ScramSha256Exchange(userName, password ?? default) };
    }

    private static void CheckHost(OptionResult result)
    {
        if (result.Tokens is not [{ Value: var host }])
        {
            return;
        }

        if (host.Contains("://", StringComparison.Ordinal))
        {
            result.AddError($"--host «{host}» is a URL; it goes behind --url.");
        }
        else if (Uri.CheckHostName(host) == UriHostNameType.Unknown)
        {
            result.AddError($"--host «{host}» is neither a name nor an address; a port goes behind --port.");
        }
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
