using Antiphon.Rpc;

namespace Antiphon.Simulation.Calls;

/// <summary>
/// What a fault proxy between requester and broker found:
/// requests that were run twice, late, or after it was said that nobody runs them.
/// </summary>
public sealed class SentAgainTests
{
    private static readonly TimeSpan Long = TimeSpan.FromHours(1);

    [Fact]
    public void Cut_before_the_PUBACK_and_away_beyond_the_deadline_nothing_runs_twice() => Each(world =>
    {
        var two = new Interruption(world);
        two.Link.HoldToClient(Long);
        var calls = Enumerable.Range(1, 20).Select(number => two.Call(number, TimeSpan.FromSeconds(5))).ToList();
        world.Until(() => two.Runs.Count == 20, "all are run");
        two.Interrupt(TimeSpan.FromSeconds(8));
        two.Settle();

        Assert.All(calls, static call => Assert.IsType<RequestTimeoutException>(call.Failure));
        Assert.All(two.Runs, static run => Assert.Equal(1, run.Value));
    });

    /// <summary>As with 600 answers of 64 KB and the default of 16 MB, of which 431 ran twice.</summary>
    [Fact]
    public void Answers_that_have_to_make_room_leave_a_mark_and_nothing_runs_twice() => Each(world =>
    {
        var two = new Interruption(world, new ResponderOptions { MaximumRememberedBytes = 200_000 }) { AnswerLength = 4000 };
        two.Link.HoldToClient(Long);
        var calls = Enumerable.Range(1, 100).Select(number => two.Call(number, TimeSpan.FromSeconds(30))).ToList();
        world.Until(() => two.Runs.Count == 100, "all are run");
        two.Interrupt(TimeSpan.FromSeconds(2));
        two.Settle();

        Assert.All(two.Runs, static run => Assert.Equal(1, run.Value));
        Assert.All(calls, static call => Assert.True(call.Failure is null or RemoteErrorException { Status: 409 }, $"{call.Failure}"));
        Assert.Equal(0, two.Responder.ForgottenEarly);
        Assert.InRange(two.Responder.AlreadyExecuted, 20, 100);
    });

    [Fact]
    public void A_request_that_was_acknowledged_early_and_comes_again_is_run_once() => Each(world =>
    {
        var two = new Interruption(world) { Keeps = true };
        two.Link.HoldToClient(Long);
        var calls = Enumerable.Range(1, 20).Select(number => two.Call(number, TimeSpan.FromSeconds(60))).ToList();
        world.Until(() => two.Runs.Count == 20, "all run");
        world.Until(() => two.Responder.AcknowledgedEarly == 20, "all are acknowledged early");
        two.Interrupt(TimeSpan.FromSeconds(2));
        world.Until(() => two.Responder.Repeated == 20, "all have come again");
        two.LetGo();
        two.Settle();

        Assert.All(calls, static call => Assert.Null(call.Failure));
        Assert.All(two.Runs, static run => Assert.Equal(1, run.Value));
    });

    [Fact]
    public void A_PUBLISH_that_was_lost_is_not_run_when_its_call_is_over() => Each(world =>
    {
        var two = new Interruption(world);
        two.Link.FallSilent();
        var calls = Enumerable.Range(1, 20).Select(number => two.Call(number, TimeSpan.FromSeconds(2))).ToList();
        two.Settle();

        Assert.All(calls, static call => Assert.IsType<RequestTimeoutException>(call.Failure));
        Assert.Empty(two.Runs);
    });

    [Fact]
    public void A_cancelled_call_is_not_run_when_the_connection_is_back() => Each(world =>
    {
        var two = new Interruption(world);
        two.Link.FallSilent();
        var calls = Enumerable.Range(1, 20).Select(number => two.Call(number, TimeSpan.FromMinutes(2))).ToList();
        world.Pass(TimeSpan.FromSeconds(1));
        two.StopAsking();
        two.Settle();

        Assert.All(calls, static call => Assert.IsType<OutcomeUnknownException>(call.Failure));
        Assert.Empty(two.Runs);
    });

    [Fact]
    public void A_request_that_is_in_time_is_sent_again_and_answered_once() => Each(world =>
    {
        var two = new Interruption(world);
        two.Link.HoldToClient(Long);
        var calls = Enumerable.Range(1, 20).Select(number => two.Call(number, TimeSpan.FromSeconds(30))).ToList();
        world.Until(() => two.Runs.Count == 20, "all are run");
        two.Interrupt(TimeSpan.FromSeconds(4.3));
        two.Link.HoldToBroker(TimeSpan.FromSeconds(2));
        two.Settle();

        Assert.All(calls, static call => Assert.Null(call.Failure));
        Assert.All(two.Runs, static run => Assert.Equal(1, run.Value));
    });

    /// <summary>The second copy is written in time and gets to the responder when the first has expired.</summary>
    [Fact]
    public void A_request_that_is_sent_again_over_a_slow_link_is_run_once() => Each(world =>
    {
        var two = new Interruption(world);
        two.Link.HoldToClient(Long);
        var calls = Enumerable.Range(1, 20).Select(number => two.Call(number, TimeSpan.FromSeconds(5))).ToList();
        world.Until(() => two.Runs.Count == 20, "all are run");
        two.Interrupt(TimeSpan.FromSeconds(4.3));
        two.Link.HoldToBroker(TimeSpan.FromSeconds(4));
        two.Settle();

        Assert.All(calls, static call => Assert.True(call.Failure is null or RequestTimeoutException, $"{call.Failure}"));
        Assert.All(two.Runs, static run => Assert.Equal(1, run.Value));
    });

    [Fact]
    public void Nobody_listens_is_not_said_of_a_request_that_was_run_the_first_time() => Each(world =>
    {
        var two = new Interruption(world, answeringSession: TimeSpan.Zero) { Keeps = true };
        two.Link.HoldToClient(Long);
        var call = two.Call(1, TimeSpan.FromSeconds(20));
        world.Until(() => two.Runs.Count == 1, "it is run");
        two.StopAnswering();
        two.Interrupt(TimeSpan.FromSeconds(1));
        world.Until(() => call.IsCompleted, "the call ends");

        Assert.IsType<RequestTimeoutException>(call.Failure);
        Assert.Equal(1, two.Runs[1]);
    });

    [Fact]
    public void Not_run_is_not_said_of_a_request_that_is_run_the_second_time() => Each(world =>
    {
        var two = new Interruption(world, new ResponderOptions { MaximumConcurrency = 1, MaximumWaiting = 0 }) { Keeps = true };
        var busy = two.Call(1, TimeSpan.FromSeconds(60));
        world.Until(() => two.Runs.Count == 1, "the responder is busy");
        two.Link.HoldToClient(Long);
        var call = two.Call(2, TimeSpan.FromSeconds(30));
        world.Until(() => two.Responder.Overloaded == 1, "it is turned away");
        two.LetGo();
        two.Interrupt(TimeSpan.FromSeconds(1));
        two.Settle();

        Assert.Null(busy.Failure);
        if (call.Failure is RemoteErrorException { Status: 429 } or RequestRefusedException or NoResponderException)
        {
            Assert.DoesNotContain(2, two.Runs);
        }
        else
        {
            Assert.True(call.Failure is null or OutcomeUnknownException, $"{call.Failure}");
        }
    });

    private static void Each(Action<World> script)
    {
        foreach (var seed in Seeds.UpTo(20))
        {
            Run.Script(seed, script);
        }
    }
}
