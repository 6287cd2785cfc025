using System.CommandLine;
using Antiphon.Cli.CommandLine;
using Antiphon.Cli.Contexts;
using Antiphon.Cli.Output;
using Antiphon.Client;
using Antiphon.Protocol;

namespace Antiphon.Cli.Connecting;

/// <summary>Which broker a command talks to, and as whom.</summary>
internal sealed class ConnectionOptions
{
    private readonly Option<string?> _clientId = new("--client-id", "-i")
    {
        Description = "The Client Identifier; without it, a random one.",
        HelpName = "ID",
    };

    private readonly Option<string?> _context = new("--context")
    {
        Description = "The saved connection to use (antiphon context). [default: the one that is selected, if no broker is named]",
        HelpName = "NAME",
    };

    private readonly ConnectionSettings _settings;
    private readonly Terminal _terminal;

    public ConnectionOptions(Command command, Terminal terminal)
    {
        _terminal = terminal;
        command.Options.Add(_clientId);
        command.Options.Add(_context);
        _context.CompletionSources.Add(_ => ContextFile.Load().Contexts.Keys);
        _settings = new ConnectionSettings(command, terminal);
        command.Validators.Add(result =>
        {
            if (result.GetResult(_context) is not null && result.Children.OfType<System.CommandLine.Parsing.OptionResult>().Any(
                option => option is { Implicit: false, Option.Name: "--url" or "--host" }))
            {
                result.AddError("--context names the broker; leave --url and --host out.");
            }
        });
    }

    /// <summary>
    /// What the command does that MQTT 3.1.1 has no way to say, as the beginning of a sentence; <c>null</c>: nothing.
    /// </summary>
    public string? NeedsVersion5 { get; init; }

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
    }

    /// <summary>What the command line, and a context that it uses, say about the connection.</summary>
    public async Task<MqttClientOptions> ReadAsync(ParseResult line, CancellationToken cancellationToken)
    {
        // Another broker is not to be told the user name and the password of this one.
        var file = _settings.NamesBroker(line) ? null : ContextFile.Load();
        var name = line.GetValue(_context) ?? file?.Selected;
        var context = name is null ? null : _settings.Restore(name, file!.Get(name));
        var options = await _settings.ReadAsync(new SettingSource(line, context), cancellationToken);
        return NeedsVersion5 is null || options.ProtocolVersion == ProtocolVersion.V5
            ? options with { ClientId = line.GetValue(_clientId) }
            : throw new UsageException($"{NeedsVersion5} MQTT 5, and 3.1.1 was asked for: leave --protocol-version 311 out.");
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
                var said = change.Exception is ConnectionException { ReasonString: { Length: > 0 } reason }
                    ? $": {reason.TrimEnd('.')}" : "";
                var why = change.ReasonCode is { } code ? $" (0x{(byte)code:X2} {code}{said})" : "";
                _terminal.Complain($"The connection to {broker} was lost{why}; connecting again.");
            }
            else if (change.State == ConnectionState.Connected && isLost)
            {
                isLost = false;
                _terminal.Complain($"Connected again to {broker}.");
            }
        };
    }
}
