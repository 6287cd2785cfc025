using System.CommandLine;
using System.Text;
using Antiphon.Cli.CommandLine;
using Antiphon.Cli.Output;
using Antiphon.Client;

namespace Antiphon.Cli.Connecting;

/// <summary>Which broker a command talks to, and as whom. Passwords come from the environment or from a file, since a command line can be read by every user of a machine.</summary>
internal sealed class ConnectionOptions
{
    private const string PasswordVariable = "ANTIPHON_PASSWORD";

    private readonly Option<string> _host = new("--host")
    {
        Description = "The broker's host name or address.",
        HelpName = "HOST",
        DefaultValueFactory = _ => "localhost",
    };

    private readonly Option<int> _port = Values.Port("The broker's TCP port.", lowest: 1);

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

    private readonly Terminal _terminal;

    public ConnectionOptions(Command command, Terminal terminal)
    {
        _terminal = terminal;
        command.Options.Add(_host);
        command.Options.Add(_port);
        command.Options.Add(_clientId);
        command.Options.Add(_userName);
        command.Options.Add(_passwordFile);
    }

    /// <summary>Connects, or throws <see cref="ConnectFailedException"/>. When the connection is lost later, the client makes a new one, and the person at the terminal hears of it.</summary>
    public async Task<MqttClient> ConnectAsync(ParseResult line, CancellationToken cancellationToken) =>
        await ConnectAsync(await ReadAsync(line, cancellationToken), cancellationToken);

    /// <summary>As the other, with options that the command has changed.</summary>
    public async Task<MqttClient> ConnectAsync(MqttClientOptions options, CancellationToken cancellationToken)
    {
        try
        {
            var client = await MqttClient.ConnectAsync(options, cancellationToken);
            Watch(client, $"{options.Host}:{options.ServerPort}");
            return client;
        }
        catch (ConnectionException e)
        {
            throw new ConnectFailedException(options.Host, options.ServerPort, e);
        }
    }

    /// <summary>What the command line says about the connection.</summary>
    public async Task<MqttClientOptions> ReadAsync(ParseResult line, CancellationToken cancellationToken) => new()
    {
        Host = line.GetRequiredValue(_host),
        Port = line.GetValue(_port),
        ClientId = line.GetValue(_clientId),
        UserName = line.GetValue(_userName),
        Password = await ReadPasswordAsync(line.GetValue(_passwordFile), cancellationToken),
    };

    private void Watch(MqttClient client, string broker)
    {
        // Events come one at a time and in order, so that the flag needs no lock.
        var isLost = false;
        client.StateChanged += (_, change) =>
        {
            if (change.State == ConnectionState.Reconnecting)
            {
                isLost = true;
                _terminal.Note($"The connection to {broker} was lost{(change.ReasonCode is { } code ? $" (0x{(byte)code:X2} {code})" : "")}; connecting again.");
            }
            else if (change.State == ConnectionState.Connected && isLost)
            {
                isLost = false;
                _terminal.Note($"Connected again to {broker}.");
            }
        };
    }

    private static async Task<ReadOnlyMemory<byte>?> ReadPasswordAsync(FileInfo? file, CancellationToken cancellationToken)
    {
        if (file is null)
        {
            return Environment.GetEnvironmentVariable(PasswordVariable) is { Length: > 0 } password ? Encoding.UTF8.GetBytes(password) : null;
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
