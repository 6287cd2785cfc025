using System.Globalization;
using System.Text;
using Antiphon.Client;
using Antiphon.Protocol;
using Antiphon.Rpc.Tests.Servers;
using Antiphon.Rpc.Tests.Timing;

namespace Antiphon.Rpc.Tests.Responding;

/// <summary>
/// Who waits for whom at a client that has slow handlers, with a server that keeps to the client's Receive Maximum. The clock stands still
/// unless a test turns it.
/// </summary>
public sealed class EarlyAcknowledgementTests
{
    private readonly ManualTime _time = new();
    private readonly OneThread _thread = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private ResponderOptions Options => new() { DrainTimeout = TimeSpan.Zero, TimeProvider = _time };

    [Fact]
    public void Behind_one_slow_handler_ten_thousand_quick_requests_do_not_wait() => Run(1024, Options, async (window, client, responder) =>
    {
        var go = new TaskCompletionSource();
        await responder.RespondAsync(
            "slow",
            async request =>
            {
                await go.Task;
                return request.Text;
            },
            cancellationToken: Token);
        await responder.RespondAsync("quick", request => request.Text, cancellationToken: Token);
        var answers = new List<string>();
        window.Taking = answer => answers.Add(Text(answer));
        window.Deliver(Request("slow", 0));
        for (var i = 1; i <= 10_000; i++)
        {
            window.Deliver(Request("quick", i));
            _thread.Settle();
            Assert.True(answers.Count == i, $"Request {i} waits for the slow one.");
        }

        Assert.Equal(1, responder.Counters.AcknowledgedEarly);
        OneThread.WithoutContext(go.SetResult);
        _thread.Settle();
        Assert.Equal("0", answers[^1]);
    });

    [Theory]
    [InlineData(500)]
    [InlineData(20_000)]
    public void A_burst_to_a_quick_handler_is_paced_by_it_and_nothing_is_refused(int requests) =>
        Run(1024, Options, async (window, client, responder) =>
    {
        await responder.RespondAsync("quick", request => request.Text, cancellationToken: Token);
        await BurstAsync(window, responder, requests);
        Assert.Equal(0, responder.Counters.Overloaded);
    });

    [Theory]
    [InlineData(500)]
    [InlineData(20_000)]
    public void So_it_is_where_the_handler_is_awaited(int requests) => Run(1024, Options, async (window, client, responder) =>
    {
        await responder.RespondAsync(
            "quick",
            async request =>
            {
                var text = request.Text;
                await _thread.Run(() => Task.CompletedTask);
                return text;
            },
            cancellationToken: Token);
        await BurstAsync(window, responder, requests);
        Assert.Equal(0, responder.Counters.Overloaded);
    });

    [Theory]
    [InlineData(1024, 32)]
    [InlineData(10, 4)]
    [InlineData(4, 32)]
    [InlineData(2, 1)]
    public void Handlers_that_ask_over_the_same_client_wait_for_no_other(int receiveMaximum, int concurrency) =>
        Run(receiveMaximum, Options with { MaximumConcurrency = concurrency }, async (window, client, responder) =>
        {
            const int Asked = 1500;
            var all = new TaskCompletionSource();
            await using var requester = new Requester(client, new RequesterOptions { TimeProvider = _time });
            await responder.RespondAsync(
                "ask",
                async request => (await requester.RequestAsync("far", request.Text, cancellationToken: Token)).Text,
                cancellationToken: Token);
            var answers = new List<string>();
            window.Taking = message =>
            {
                if (message.Topic == "far")
                {
                    window.Deliver(new ApplicationMessage
                    {
                        Topic = message.ResponseTopic!,
                        Payload = message.Payload,
                        CorrelationData = message.CorrelationData,
                        QoS = QualityOfService.AtLeastOnce,
                    });
                }
                else
                {
                    answers.Add(Text(message));
                    if (answers.Count == Asked)
                    {
                        all.SetResult();
                    }
                }
            };
            for (var i = 0; i < Asked; i++)
            {
                window.Deliver(Request("ask", i));
            }

            // The handlers go on by way of the pool.
            await all.Task;
            Assert.Equal(Enumerable.Range(0, Asked), answers.Select(int.Parse).Order());
        });

    [Fact]
    public void When_all_handlers_are_slow_others_wait_for_a_second_at_most() =>
        Run(20, Options with { MaximumConcurrency = 1, MaximumWaiting = 16 }, async (window, client, responder) =>
        {
            var go = new TaskCompletionSource();
            await responder.RespondAsync(
                "slow",
                async request =>
                {
                    await go.Task;
                    return request.Text;
                },
                cancellationToken: Token);
            await responder.RespondAsync("quick", request => request.Text, cancellationToken: Token);
            var answers = new List<string>();
            window.Taking = answer => answers.Add(Text(answer));
            for (var i = 0; i < 40; i++)
            {
                window.Deliver(Request("slow", i));
                _thread.Settle();
            }

            window.Deliver(Request("quick", 99));
            _thread.Settle();

            // What the server would still send has no place in the queue any more: it waits there.
            Assert.InRange(window.Waiting, 1, 40);
            Assert.True(responder.Counters.Overloaded > 0 || !answers.Contains("99"));
            _time.Advance(TimeSpan.FromSeconds(1));
            _thread.Settle();
            Assert.Contains("99", answers);
            Assert.Equal(0, window.Waiting);
            OneThread.WithoutContext(go.SetResult);
        });

    [Fact]
    public void What_has_come_to_few_busy_handlers_stays_the_servers_until_they_take_it() =>
        Run(1024, Options with { MaximumConcurrency = 1 }, async (window, client, responder) =>
        {
            var go = new TaskCompletionSource();
            await responder.RespondAsync(
                "job",
                async request =>
                {
                    await go.Task;
                    return request.Text;
                },
                cancellationToken: Token);
            for (var i = 0; i < 100; i++)
            {
                window.Deliver(Request("job", i));
            }

            _thread.Settle();
            _time.Advance(TimeSpan.FromSeconds(60));
            _thread.Settle();
            Assert.Equal((1, 99), (responder.Counters.AcknowledgedEarly, responder.Counters.Waiting));
            Assert.Equal(1024 - 99, window.Room);
            OneThread.WithoutContext(go.SetResult);
        });

    private async Task BurstAsync(WindowedServer window, Responder responder, int requests)
    {
        var answers = new List<string>();
        window.Taking = answer =>
        {
            Assert.Contains(new("__stat", "200"), answer.UserProperties);
            answers.Add(Text(answer));
        };
        for (var i = 0; i < requests; i++)
        {
            window.Deliver(Request("quick", i));
        }

        await _thread.Run(() => Task.CompletedTask);
        _thread.Settle();
        Assert.Equal(Enumerable.Range(0, requests), answers.Select(int.Parse).Order());
    }

    private void Run(int receiveMaximum, ResponderOptions options, Func<WindowedServer, MqttClient, Responder, Task> test) =>
        _thread.RunTest(async () =>
    {
        using var server = new ScriptedServer(_thread);
        await using var client = await server.ConnectAsync(
            new MqttClientOptions { ClientId = "d", ReceiveMaximum = (ushort)receiveMaximum });
        var window = new WindowedServer(server, receiveMaximum);
        await using var responder = new Responder(client, options);
        await test(window, client, responder);
    });

    private static string Text(ApplicationMessage message) => Encoding.UTF8.GetString(message.Payload.Span);

    private static ApplicationMessage Request(string topic, int number)
    {
        var correlation = new byte[16];
        BitConverter.TryWriteBytes(correlation, number);
        return new ApplicationMessage
        {
            Topic = topic,
            Payload = Encoding.UTF8.GetBytes(number.ToString(CultureInfo.InvariantCulture)),
            QoS = QualityOfService.AtLeastOnce,
            ResponseTopic = "r/1",
            CorrelationData = correlation,
            MessageExpiryInterval = 3600,
            UserProperties = [new("__protVer", "1.0")],
        };
    }
}
