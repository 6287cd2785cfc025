using Antiphon.Rpc.Timing;

namespace Antiphon.Rpc.Tests.Timing;

public sealed class DeadlineTimerTests
{
    [Fact]
    public void It_ticks_at_the_earliest_deadline_and_never_before_it()
    {
        var time = new ManualTime();
        var ticks = new List<TimeSpan>();
        DeadlineTimer timer = null!;
        timer = new DeadlineTimer(time, () =>
        {
            timer.Fired();
            ticks.Add(timer.Now);
        });
        timer.Arm(TimeSpan.FromMilliseconds(20), TimeSpan.Zero);
        timer.Arm(TimeSpan.FromMicroseconds(10_100), TimeSpan.Zero);
        timer.Arm(TimeSpan.FromMilliseconds(30), TimeSpan.Zero);
        time.Advance(TimeSpan.FromMilliseconds(100));

        Assert.Equal([TimeSpan.FromMilliseconds(11)], ticks);
    }

    [Fact]
    public void A_deadline_in_months_is_waited_for_in_days()
    {
        var time = new ManualTime();
        var ticks = 0;
        DeadlineTimer timer = null!;
        timer = new DeadlineTimer(time, () =>
        {
            ticks++;
            timer.Fired();
            timer.Arm(TimeSpan.FromDays(20), timer.Now);
        });
        timer.Arm(TimeSpan.FromDays(20), TimeSpan.Zero);
        time.Advance(TimeSpan.FromDays(19.5));

        Assert.Equal(19, ticks);
    }
}
