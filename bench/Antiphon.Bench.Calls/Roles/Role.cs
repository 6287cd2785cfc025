using System.Globalization;
using Antiphon.Bench.Calls.Peers;
using Antiphon.Bench.Load;

namespace Antiphon.Bench.Calls.Roles;

/// <summary>
/// What a child process of the conductor does. It says <c>ready</c> (a responder that is itself the server, with its port), then answers
/// one line with one line, and ends with its input, so that it does not outlive the conductor. The commands are read on the main thread,
/// which no library uses.
/// </summary>
internal static class Role
{
    public const string Word = "role";

    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(15);

    /// <param name="words">
    /// <c>requester PEER PORT QOS OUTSTANDING PID…</c>, <c>responder PEER PORT QOS OUTSTANDING</c> or <c>broker PEER PORT</c>.
    /// </param>
    public static int Run(string[] words)
    {
        switch (words)
        {
            case ["requester", var peer, var port, var quality, var outstanding, .. var processes]:
                Request(peer, Number(port), new CallScenario(Number(outstanding), Number(quality)), [.. processes.Select(Number)]);
                return 0;
            case ["responder", var peer, var port, var quality, var outstanding]:
                Respond(peer, Number(port), new CallScenario(Number(outstanding), Number(quality)));
                return 0;
            case ["broker", Peer.MqttNet, var port]:
                using (MqttNetPeer.StartBroker(Number(port)))
                {
                    Console.In.ReadToEnd();
                }

                return 0;
            default:
                Console.Error.WriteLine("The word «role» is for the bench's own child processes; start it with ./bench/run calls.");
                return 2;
        }

        static int Number(string text) => int.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture);
    }

    private static void Respond(string peer, int port, CallScenario scenario)
    {
        var responder = Peer.RespondAsync(peer, port, scenario).GetAwaiter().GetResult();
        Say($"ready {responder.Port}");
        while (Console.In.ReadLine() is { } line)
        {
            Say(line == "snapshot" ? Snapshot.OfRuntime().ToLine() : Unknown(line));
        }

        responder.DisposeAsync().AsTask().Wait();
    }

    private static void Request(string peer, int port, CallScenario scenario, int[] processes)
    {
        var requester = Peer.RequestAsync(peer, port, scenario).GetAwaiter().GetResult();
        var log = new CallLog();
        var clocks = processes.Prepend(Environment.ProcessId).Select(LoadNative.ProcessCpuClock).ToArray();
        var before = new Histogram();
        var loops = Task.CompletedTask;
        Say("ready");
        while (Console.In.ReadLine() is { } line)
        {
            switch (line)
            {
                case "start":
                    log.GoesOn = true;
                    var slots = Enumerable.Range(0, scenario.Outstanding);
                    loops = Task.WhenAll(slots.Select(slot => Task.Run(() => requester.RunAsync(slot, log))));
                    Say("started");
                    break;
                case "snapshot":
                    Say(Take().ToLine());
                    break;
                case "stop":
                    log.GoesOn = false;
                    Say(loops.Wait(StopLimit) ? "stopped" : $"Some calls had no end {StopLimit.TotalSeconds} s after the last was begun.");
                    break;
                default:
                    Say(Unknown(line));
                    break;
            }
        }

        requester.DisposeAsync().AsTask().Wait();

        Snapshot Take()
        {
            var now = log.Latencies();
            var snapshot = Snapshot.OfRuntime() with
            {
                Cpu = [.. clocks.Select(LoadNative.Read)],
                Answered = now.Count,
                Failed = log.Failed,
                FirstFailure = log.FirstFailure,
            };
            var since = new Histogram();
            since.Add(now);
            since.Subtract(before);
            before = now;
            return snapshot with { Quantiles = [since.Quantile(0.5), since.Quantile(0.99), since.Quantile(0.999)] };
        }
    }

    private static string Unknown(string line) => $"«{line}» is no command.";

    private static void Say(string line) => Console.Out.WriteLine(line);
}
