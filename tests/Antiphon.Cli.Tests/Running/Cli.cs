using System.Globalization;
using Antiphon.Broker;
using Antiphon.Tests.Running;

namespace Antiphon.Cli.Tests.Running;

/// <summary>The built <c>antiphon</c> program.</summary>
internal static class Cli
{
    public static ProgramRun Start(params string[] arguments) => ProgramRun.StartBuilt("antiphon", arguments);

    /// <summary>A command that talks to a broker.</summary>
    public static ProgramRun StartAt(int port, params string[] arguments) => Start([.. arguments, .. At(port)]);

    public static async Task<Ending> RunAsync(params string[] arguments)
    {
        await using var run = Start(arguments);
        return await run.EndAsync();
    }

    public static async Task<Ending> RunAtAsync(int port, params string[] arguments)
    {
        await using var run = StartAt(port, arguments);
        return await run.EndAsync();
    }

    /// <summary>A request whose timeout is there for the worst only.</summary>
    public static Task<Ending> AskAsync(int port, params string[] arguments) =>
        RunAtAsync(port, ["request", "--timeout", "1m", .. arguments]);

    /// <summary>A responder that listens already.</summary>
    public static async Task<ProgramRun> ReplyAsync(int port, string topic, params string[] arguments)
    {
        var run = StartAt(port, ["reply", topic, .. arguments]);
        await run.ErrorLineAsync($"answering {topic}");
        return run;
    }

    /// <summary>A broker in the test's own process, on a free port.</summary>
    public static BrokerHost StartBroker() => BrokerHost.Start(new BrokerOptions { Port = 0 });

    public static string[] At(int port) => ["--host", "127.0.0.1", "--port", port.ToString(CultureInfo.InvariantCulture)];
}
