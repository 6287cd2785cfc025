using System.Globalization;
using System.Threading.Channels;
using Antiphon.Broker;
using Antiphon.Client;
using Antiphon.Protocol;
using Antiphon.Tests.Running;

namespace Antiphon.Interop.Restarts;

/// <summary>
/// A program that publishes numbers is killed at one step after another, and started again with the same store.
/// It stops at the step, so that the kill falls there on every machine.
/// The program does not publish again what it has printed as stored, or what the next run finds in the store:
/// the client sends it.
/// </summary>
public sealed class RestartTests
{
    private const string Topic = "restarts/numbers";

    // More between two steps than the program has on its way at a time.
    private const int Stride = 20;

    [Fact]
    [Trait("Label", "MQTT-4.4.0-1")]
    [Trait("Label", "MQTT-4.6.0-1")]
    public async Task A_killed_program_delivers_each_QoS_1_message_at_least_once_and_in_order()
    {
        var received = await RunAsync(QualityOfService.AtLeastOnce, ["storing", "stored", "removing", "removed"]);

        Assert.Equal(Enumerable.Range(1, 5 * Stride), received.Distinct());

        // The server already had the one whose PUBACK the store had not heard of, so that one comes again.
        // The one that had been stored and not written does not.
        Assert.Equal(2, received.Count(number => number == 3 * Stride));
        Assert.Equal(1, received.Count(number => number == 2 * Stride));
    }

    [Fact]
    [Trait("Label", "MQTT-4.3.3-5")]
    [Trait("Label", "MQTT-4.3.3-10")]
    [Trait("Label", "MQTT-4.4.0-1")]
    [Trait("Label", "MQTT-4.6.0-1")]
    public async Task A_killed_program_delivers_each_QoS_2_message_exactly_once_and_in_order()
    {
        var received = await RunAsync(QualityOfService.ExactlyOnce, ["storing", "stored", "releasing", "released", "removing", "removed"]);

        Assert.Equal(Enumerable.Range(1, 7 * Stride), received);
    }

    /// <summary>Kills the program at each step, a stride of numbers apart, and lets a last run come to its end.</summary>
    /// <returns>The numbers as a subscriber receives them.</returns>
    private static async Task<IReadOnlyList<int>> RunAsync(QualityOfService qos, string[] steps)
    {
        var folder = Directory.CreateTempSubdirectory("antiphon-restarts-");
        try
        {
            await using var broker = BrokerHost.Start(new BrokerOptions { Port = 0 });
            await using var client = await MqttClient.ConnectAsync("127.0.0.1", broker.Port);
            var messages = Channel.CreateUnbounded<string>();
            await client.SubscribeAsync(
                Topic,
                (message, cancellationToken) => messages.Writer.WriteAsync(message.Text, cancellationToken),
                new SubscribeOptions { MaximumQoS = qos });

            var after = 0;
            var last = (steps.Length + 1) * Stride;
            string[] Arguments(params string[] stop) =>
                [Text(broker.Port), Topic, Text((int)qos), Path.Combine(folder.FullName, "session"), Text(after), Text(last), .. stop];

            for (var i = 0; i < steps.Length; i++)
            {
                var step = $"{steps[i]} {(i + 1) * Stride:0000}";
                await using var run = ProgramRun.StartBuilt("Antiphon.Client.Restarting", Arguments(step));
                await run.OutputLineAsync(step);
                await run.KillAsync();
                var killed = await run.EndAsync();
                Assert.Equal(128 + 9, killed.ExitCode);
                Assert.Contains($"connected, Session {(i == 0 ? "new" : "resumed")}", killed.Lines);
                after = killed.Lines
                    .Where(line =>
                        line.StartsWith("stored ", StringComparison.Ordinal) || line.StartsWith("kept ", StringComparison.Ordinal))
                    .Select(line => int.Parse(line.Split(' ')[1], CultureInfo.InvariantCulture))
                    .Append(after)
                    .Max();
            }

            await using var lastRun = ProgramRun.StartBuilt("Antiphon.Client.Restarting", Arguments());
            var ended = await lastRun.EndAsync();
            Assert.True(ended.ExitCode == 0, ended.Errors);
            Assert.Equal("left 0", ended.Lines[^1]);

            // All of the program's are with the broker by now, so that this one is behind them.
            await client.PublishAsync(new ApplicationMessage { Topic = Topic, Payload = "end"u8.ToArray(), QoS = qos });
            var received = new List<int>();
            while (await messages.Reader.ReadAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(30)) is not "end" and var text)
            {
                received.Add(int.Parse(text, CultureInfo.InvariantCulture));
            }

            return received;
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static string Text(int value) => value.ToString(CultureInfo.InvariantCulture);
}
