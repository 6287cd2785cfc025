using System.Runtime.InteropServices;
using Antiphon.Cli.CommandLine;
using Antiphon.Cli.Output;
using Antiphon.Server;
using Antiphon.Server.Configuration;

namespace Antiphon.Cli.Brokers;

/// <summary>The broker from its start to its end.</summary>
internal static class BrokerRun
{
    /// <summary>Runs it until it is interrupted.</summary>
    /// <exception cref="UsageException">The configuration has mistakes, and nothing was started.</exception>
    public static async Task RunAsync(ConfigurationFile file, Terminal terminal, TimeProvider time, CancellationToken interrupted)
    {
        var reading = file.Read();
        var options = BrokerSettings.OptionsOf(reading);
        await using var log = new LogLines(terminal, time, options.Log);
        using var manager = ServiceManager.OfThisProgram(terminal, time);
        await using var server = await ServerHost.StartAsync(Complete(options), interrupted);

        // Where there is no file, nothing is looked at again, and SIGHUP ends the program as it does others whose terminal is closed.
        await using var reload = reading.Files.Count == 0
            ? null
            : new ConfigurationReload(server, file, reading, Complete, news => log.Lowest = news.Log.Level);
        using var hangUp = reload is null ? null : ReloadOnHangUp(reload, manager, server);
        foreach (var endPoint in server.EndPoints)
        {
            terminal.Data($"listening {endPoint.Url}");
        }

        if (server.AdminUrl is { } adminUrl)
        {
            terminal.Data($"listening {adminUrl}");
        }

        manager.Ready(StatusOf(server));

        var end = await Task.WhenAny(Interruption.AwaitAsync(interrupted), server.Completion);
        if (end == server.Completion)
        {
            // The broker could not go on, and says why.
            await end;
        }

        manager.Stopping();
        if (options.Log.Format == LogFormat.Text)
        {
            // Who reads lines of another kind reads nothing else there.
            terminal.Note("Closing.");
        }

        await server.StopAsync(CancellationToken.None);

        ServerOptions Complete(ServerOptions read) => read with { Broker = read.Broker with { LoggerFactory = log, TimeProvider = time } };
    }

    private static PosixSignalRegistration? ReloadOnHangUp(ConfigurationReload reload, ServiceManager manager, ServerHost server) =>
        OperatingSystem.IsWindows()
            ? null
            : PosixSignalRegistration.Create(PosixSignal.SIGHUP, signal =>
            {
                signal.Cancel = true;
                _ = ReloadAsync(reload, manager, server);
            });

    private static async Task ReloadAsync(ConfigurationReload reload, ServiceManager manager, ServerHost server)
    {
        manager.Reloading();
        await reload.ReloadAsync();
        manager.Ready(StatusOf(server));
    }

    private static string StatusOf(ServerHost server) =>
        $"Listening at {string.Join(", ", server.EndPoints.Select(endPoint => endPoint.Url))}";
}
