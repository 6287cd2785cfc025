using System.CommandLine;
using System.Net;
using Antiphon.Broker;
using Antiphon.Cli.CommandLine;
using Antiphon.Cli.Output;

namespace Antiphon.Cli.Brokers;

/// <summary><c>antiphon broker</c>: runs a broker until Ctrl-C.</summary>
internal static class BrokerCommand
{
    public const string Example = """
        antiphon broker --port 1883
        antiphon broker --port 0 --bind ::1
        antiphon broker --bind 0.0.0.0 --allow-anonymous
        """;

    public static Command Create(Terminal terminal)
    {
        var command = new Command("broker", "Runs a broker until Ctrl-C or SIGTERM, which tells its clients (0x8B Server shutting down) before it closes.");
        var port = Values.Port("The TCP port to listen on; 0 takes a free one.");
        var bind = new Option<IPAddress>("--bind", "-b")
        {
            Description = "The address to listen on; other than a loopback address only with --allow-anonymous.",
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
            Description = "Accepts that anybody who reaches the address may connect; this broker has no passwords yet.",
        };
        command.Options.Add(port);
        command.Options.Add(bind);
        command.Options.Add(anonymous);
        command.SetAction(async (line, interrupted) =>
        {
            var address = line.GetRequiredValue(bind);
            if (!IPAddress.IsLoopback(address) && !line.GetValue(anonymous))
            {
                throw new UsageException($"--bind {address} is open to other machines, and this broker has no passwords yet. Add --allow-anonymous if that is what you want.");
            }

            var options = new BrokerOptions { Bind = address, Port = line.GetValue(port), AllowAnonymous = line.GetValue(anonymous) };
            await using var broker = BrokerHost.Start(options);
            terminal.Data($"listening mqtt://{broker.EndPoint}");
            await Interruption.AwaitAsync(interrupted);
            terminal.Note("Closing.");
            await broker.StopAsync(CancellationToken.None);
            return (int)ExitCode.Success;
        });
        return command;
    }
}
