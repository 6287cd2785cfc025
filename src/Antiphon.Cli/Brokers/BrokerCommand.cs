using System.CommandLine;
using System.CommandLine.Parsing;
using System.Net;
using Antiphon.Broker;
using Antiphon.Cli.CommandLine;
using Antiphon.Cli.Output;
using Antiphon.Cli.Passwords;
using Microsoft.Extensions.Logging;

namespace Antiphon.Cli.Brokers;

/// <summary><c>antiphon broker</c>: runs a broker until Ctrl-C.</summary>
internal static class BrokerCommand
{
    public const string Example = """
        antiphon broker --port 1883
        antiphon broker --port 0 --bind ::1
        antiphon broker --bind 127.0.0.1 --bind [::1]:1884 --log-level debug
        antiphon broker --bind 0.0.0.0 --password-file users
        antiphon broker --bind 0.0.0.0 --allow-anonymous
        antiphon broker --max-connections 500 --max-qos 1 --max-queued 100 --queue-overflow oldest
        """;

    private static readonly Dictionary<string, LogLevel> LogLevels = new()
    {
        ["error"] = LogLevel.Error,
        ["warn"] = LogLevel.Warning,
        ["info"] = LogLevel.Information,
        ["debug"] = LogLevel.Debug,
    };

    public static Command Create(Terminal terminal, TimeProvider time)
    {
        var command = new Command(
            "broker", "Runs a broker until Ctrl-C or SIGTERM, which tells its clients (0x8B Server shutting down) before it closes.");
        var port = Values.Port("The TCP port to listen on; 0 takes a free one.");
        var bind = new Option<BindAddress[]>("--bind", "-b")
        {
            Description =
                "An address to listen on, with or without a port, such as 192.0.2.1:1884 or [::1]:1884; may be given several times. "
                + "0.0.0.0 is all addresses of IPv4, :: all of IPv6 and IPv4. "
                + "Other than a loopback address only with --password-file or --allow-anonymous. [default: 127.0.0.1]",
            HelpName = "ADDR",
            Arity = ArgumentArity.OneOrMore,
            CustomParser = ReadAddresses,
        };
        var anonymous = new Option<bool>("--allow-anonymous")
        {
            Description =
                "Lets in who gives no user name: everybody who reaches the address, or with --password-file those too who are not in it.",
        };
        var passwords = new Option<FileInfo?>("--password-file")
        {
            Description =
                "The users and their passwords, as antiphon passwd keeps them; clients prove theirs in CONNECT or by SCRAM-SHA-256.",
            HelpName = "FILE",
        };
        command.Options.Add(port);
        command.Options.Add(bind);
        command.Options.Add(passwords);
        command.Options.Add(anonymous);
        var logLevel = Values.OneOf(
            "--log-level",
            "How much is said on the standard error: error; warn, also refusals; info, also who connects and closes; debug. [default: info]",
            [.. LogLevels.Keys]);
        command.Options.Add(logLevel);
        var limits = new LimitSettings(command);
        command.SetAction(async (line, interrupted) =>
        {
            var addresses = line.GetValue(bind) is { Length: > 0 } given
                ? given.Select(address => address.At(line.GetValue(port))).ToArray()
                : [new IPEndPoint(IPAddress.Loopback, line.GetValue(port))];
            var users = line.GetValue(passwords) is { } file ? await PasswordFile.ReadAsync(file, interrupted) : null;
            Check(addresses, isSaid: users is not null || line.GetValue(anonymous));
            await using var log = new LogLines(terminal, time, LogLevels[line.GetValue(logLevel) ?? "info"]);
            var options = new BrokerOptions
            {
                Listeners = [.. addresses.Select(address => new Listener { Name = $"{address}", Bind = address.Address, Port = address.Port })],
                AllowAnonymous = line.GetValue(anonymous),
                Authenticator = users?.Passwords,
                AuthenticationMethods = users is null ? [] : [users.ScramSha256],
                LoggerFactory = log,
            };
            await using var broker = Start(limits.Read(line, options));
            foreach (var endPoint in broker.EndPoints)
            {
                terminal.Data($"listening mqtt://{endPoint}");
            }

            await Interruption.AwaitAsync(interrupted);
            terminal.Note("Closing.");
            await broker.StopAsync(CancellationToken.None);
            return (int)ExitCode.Success;
        });
        return command;
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

    private static void Check(IPEndPoint[] addresses, bool isSaid)
    {
        if (!isSaid && addresses.FirstOrDefault(address => !IPAddress.IsLoopback(address.Address)) is { } open)
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

    private static BrokerHost Start(BrokerOptions options)
    {
        try
        {
            return BrokerHost.Start(options);
        }
        catch (ArgumentException mistakes)
        {
            throw new UsageException(mistakes.Message);
        }
    }
}
