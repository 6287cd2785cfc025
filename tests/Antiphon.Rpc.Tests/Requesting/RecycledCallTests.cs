using System.Globalization;
using Antiphon.Client;
using Antiphon.Rpc.Tests.Servers;
using Antiphon.Rpc.Tests.Timing;

namespace Antiphon.Rpc.Tests.Requesting;

/// <summary>
/// Real threads make calls while other calls on the same requester end in every other way:
/// gatherings that are left early, deadlines, cancellations, lost Sessions. Calls are used again, and none may get what belongs to another.
/// </summary>
public sealed class RecycledCallTests : IDisposable
{
    private const int Rounds = 400;

    private readonly List<AggregateException> _unobserved = [];

    public RecycledCallTests()
    {
        TaskScheduler.UnobservedTaskException += Note;
    }

    public void Dispose() => TaskScheduler.UnobservedTaskException -= Note;

    [Fact]
    public async Task Calls_beside_gatherings_that_are_left_early_and_deadlines_that_fire_get_their_own_answers()
    {
        await using var server = await Server.StartAsync(Kind.Antiphon);
        await using var device = await server.ConnectAsync();
        await using var responder = await RespondAsync(device);
        await using var client = await server.ConnectAsync();
        var requester = new Requester(client);

        await Task.WhenAll(
        [
            .. Each(6, number => EchoAsync(requester, number)),
            .. Each(3, number => GatherAsync(requester, number)),
            .. Each(3, number => TimeOutAsync(requester, number)),
            .. Each(2, number => CancelAsync(requester, number)),
        ]).InTime();

        Assert.Equal((0, 0), (requester.Counters.Pending, requester.Counters.InFlight));
        await requester.DisposeAsync().InTime();
        AssertAllObserved();
    }

    [Fact]
    public async Task Calls_beside_lost_Sessions_get_their_own_answers_or_are_told_that_nobody_knows()
    {
        await using var server = await Server.StartAsync(Kind.Antiphon);
        await using var cable = new Cable(server.Port);
        await using var device = await server.ConnectAsync();
        await using var responder = await RespondAsync(device);
        await using var client = await MqttClient.ConnectAsync(
            server.Options with { Port = cable.Port, SessionExpiry = TimeSpan.Zero }, Limit.Token);
        var requester = new Requester(client);
        using var over = new CancellationTokenSource();
        var answered = 0;
        var lost = 0;

        async Task CallAsync(int number)
        {
            try
            {
                await EchoAsync(requester, number);
                Interlocked.Increment(ref answered);
            }
            catch (OutcomeUnknownException)
            {
                Interlocked.Increment(ref lost);
            }
        }

        var calls = Task.WhenAll(
        [
            .. Each(6, CallAsync),
            .. Each(2, number => GatherAsync(requester, number)),
            .. Each(2, number => TimeOutAsync(requester, number)),
            .. Each(2, number => CancelAsync(requester, number)),
        ]);
        while (!calls.IsCompleted)
        {
            // A cut for some hundred calls: each loses a Session with what is under way.
            var next = Volatile.Read(ref answered) + 200;
            await Wait.Until(() => calls.IsCompleted || Volatile.Read(ref answered) >= next);
            cable.Cut();
        }

        await calls.InTime();
        TestContext.Current.TestOutputHelper?.WriteLine($"{answered} answered, {lost} with their Session lost");
        Assert.Equal(6 * Rounds, answered + lost);
        Assert.NotEqual(0, lost);
        Assert.Equal((0, 0), (requester.Counters.Pending, requester.Counters.InFlight));
        await requester.DisposeAsync().InTime();
        AssertAllObserved();
    }

    private static async Task<Responder> RespondAsync(MqttClient device)
    {
        var responder = new Responder(device, new ResponderOptions { MaximumWaiting = 10_000 });
        await responder.RespondAsync("echo", static request => request.Text, cancellationToken: Limit.Token);
        await responder.RespondAsync(
            "never",
            static async request =>
            {
                await new TaskCompletionSource().Task.WaitAsync(request.CancellationToken);
                return "too late";
            },
            cancellationToken: Limit.Token);
        return responder;
    }

    private static IEnumerable<Task> Each(int threads, Func<int, Task> act) => Enumerable.Range(0, threads).Select(thread => Task.Run(
        async () =>
        {
            for (var i = 0; i < Rounds; i++)
            {
                await act((thread * Rounds) + i);
            }
        },
        Limit.Token));

    private static async Task EchoAsync(Requester requester, int number)
    {
        var text = number.ToString(CultureInfo.InvariantCulture);
        var response = await requester.RequestAsync("echo", text, new RequestOptions { Timeout = TimeSpan.FromSeconds(25) }, Limit.Token);
        Assert.Equal(text, response.Text);
    }

    /// <summary>Reads one reply of a gathering that would go on, or none.</summary>
    private static async Task GatherAsync(Requester requester, int number)
    {
        var text = number.ToString(CultureInfo.InvariantCulture);
        var options = new GatherOptions { Request = new RequestOptions { Timeout = TimeSpan.FromMilliseconds(1 + (number % 5)) } };
        try
        {
            await foreach (var response in requester.GatherAsync("echo", System.Text.Encoding.UTF8.GetBytes(text), options, Limit.Token))
            {
                Assert.Equal(text, response.Text);
                break;
            }
        }
        catch (Exception exception) when (exception is RequestTimeoutException or OutcomeUnknownException)
        {
            // Its time was up before the server had it, or its Session was lost.
        }
    }

    private static async Task TimeOutAsync(Requester requester, int number)
    {
        var options = new RequestOptions { Timeout = TimeSpan.FromMilliseconds(1 + (number % 10)) };
        await Assert.ThrowsAnyAsync<RequestException>(async () => await requester.RequestAsync("never", "x", options, Limit.Token));
    }

    private static async Task CancelAsync(Requester requester, int number)
    {
        using var cancellation = new CancellationTokenSource();
        var text = number.ToString(CultureInfo.InvariantCulture);
        var call = requester.RequestAsync("echo", text, new RequestOptions { Timeout = TimeSpan.FromSeconds(25) }, cancellation.Token);
        if (number % 2 == 0)
        {
            await Task.Yield();
        }

        await cancellation.CancelAsync();
        try
        {
            Assert.Equal(text, (await call).Text);
        }
        catch (Exception exception) when (exception is OperationCanceledException or OutcomeUnknownException)
        {
            // Cancelled in time, or its Session was lost.
        }
    }

    private void Note(object? sender, UnobservedTaskExceptionEventArgs unobserved)
    {
        lock (_unobserved)
        {
            _unobserved.Add(unobserved.Exception);
        }
    }

    /// <summary>
    /// A task that has failed and that nobody looks at is told of when it is collected.
    /// Other tests leave some of their own.
    /// </summary>
    private void AssertAllObserved()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        lock (_unobserved)
        {
            Assert.DoesNotContain(
                _unobserved,
                static one => one.Flatten().InnerExceptions.Any(
                    static inner => inner is RequestException { Topic: "echo" or "never" } or MqttException));
        }
    }
}
