using System.CommandLine;
using System.Net;
using Antiphon.Broker;
using Antiphon.Cli.CommandLine;
using Antiphon.Cli.Output;
using Antiphon.Cli.Passwords;

namespace Antiphon.Cli.Brokers;

/// <summary><c>antiphon broker</c>: runs a broker until Ctrl-C.</summary>
internal static class BrokerCommand
{
    public const string Example = """
        antiphon broker --port 1883
        antiphon broker --port 0 --bind ::1
        antiphon broker --bind 0.0.0.0 --password-file users
        antiphon broker --bind 0.0.0.0 --allow-anonymous
        antiphon broker --max-connections 500 --max-qos 1 --max-queued 100 --queue-overflow oldest
        """;

    public static Command Create(Terminal terminal)
    {
        var command = new Command(
            "broker", "Runs a broker until Ctrl-C or SIGTERM, which tells its clients (0x8B Server shutting down) before it closes.");
        var port = Values.Port("The TCP port to listen on; 0 takes a free one.");
        var bind = new Option<IPAddress>("--bind", "-b")
        {
            Description = "The address to listen on; other than a loopback address only with --password-file or --allow-anonymous.",
            HelpName = "ADDR",
            DefaultValueFactory = _ => IPAddress.Loopback,
            CustomParser = result =>
            {
                if (IPAddress.TryParse(result.Tokens[0].Value, out var address))
                {
                    return address;
                }

                result.AddError($"--bind «{result.Tokens[0].Value}» is not an IP address; write for instance 127.0.0.1, ::1 or 0.0.0.0.");
                return null;
            },
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
        var limits = new LimitSettings(command);
        command.SetAction(async (line, interrupted) =>
        {
            var address = line.GetRequiredValue(bind);
            var users = line.GetValue(passwords) is { } file ? await PasswordFile.ReadAsync(file, interrupted) : null;
            if (!IPAddress.IsLoopback(address) && users is null && !line.GetValue(anonymous))
            {
                throw new UsageException(
                    $"--bind {address} is open to other machines. "
                    + "Give --password-file to let in users with a password, or --allow-anonymous to let in everybody.");
            }

            var options = new BrokerOptions
            {
                Bind = address,
                Port = line.GetValue(port),
                AllowAnonymous = line.GetValue(anonymous),
                Authenticator = users?.Passwords,
                AuthenticationMethods = users is null ? [] : [users.ScramSha256],
            };
            await using var broker = Start(limits.Read(line, options));
            terminal.Data($"listening mqtt://{broker.EndPoint}");
            await Interruption.AwaitAsync(interrupted);
            terminal.Note("Closing.");
            await broker.StopAsync(CancellationToken.None);
            return (int)ExitCode.Success;
        });
        return command;
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
