using Antiphon.Broker.Timing;

namespace Antiphon.Broker.Tests.Timing;

public sealed class TimingWheelTests
{
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(32);

    private readonly TimingWheel _wheel = new();

    [Fact]
    public void Nothing_is_due_in_an_empty_wheel()
    {
        Assert.Null(TryTakeDue(At(1_000_000)));
        Assert.Equal(Instant.Never, _wheel.NextVisit());
    }

    [Theory]
    [InlineData(0.001)]
    [InlineData(0.032)]
    [InlineData(0.033)]
    [InlineData(1.5)]
    [InlineData(131.0)]
    [InlineData(131.072)]
    [InlineData(131.073)]
    [InlineData(1000.0)]
    [InlineData(86_400.0)]
    public void A_deadline_fires_never_early_and_at_most_one_tick_late(double seconds)
    {
        var deadline = new Deadline(this);
        _wheel.Set(deadline, At(seconds));

        Assert.Null(TryTakeDue(At(seconds) + TimeSpan.FromTicks(-1)));
        Assert.True(_wheel.NextVisit() <= At(seconds) + Tick);
        Assert.Same(deadline, TryTakeDue(At(seconds) + Tick));
        Assert.Null(TryTakeDue(At(seconds) + Tick));
        Assert.False(deadline.IsSet);
        Assert.Equal(Instant.Never, _wheel.NextVisit());
    }

    [Fact]
    public void A_deadline_that_was_set_again_fires_once_at_its_last_instant()
    {
        var deadline = new Deadline(this);
        _wheel.Set(deadline, At(1));
        _wheel.Set(deadline, At(10));

        Assert.Null(TryTakeDue(At(9.9)));
        Assert.Same(deadline, TryTakeDue(At(10.1)));
        Assert.Null(TryTakeDue(At(100)));
    }

    [Fact]
    public void A_deadline_that_was_cancelled_or_never_comes_does_not_fire()
    {
        var cancelled = new Deadline(this);
        var never = new Deadline(this);
        _wheel.Set(cancelled, At(1));
        _wheel.Cancel(cancelled);
        _wheel.Cancel(cancelled);
        _wheel.Set(never, At(1));
        _wheel.Set(never, Instant.Never);

        Assert.Equal(Instant.Never, _wheel.NextVisit());
        Assert.Null(TryTakeDue(At(100)));
    }

    [Fact]
    public void A_deadline_in_the_past_fires_at_the_next_tick()
    {
        TryTakeDue(At(100));
        var deadline = new Deadline(this);
        _wheel.Set(deadline, At(1));

        Assert.True(_wheel.NextVisit() <= At(100) + Tick);
        Assert.Same(deadline, TryTakeDue(At(100) + Tick));
    }

    [Fact]
    public void A_deadline_may_be_cancelled_or_moved_while_those_of_its_tick_fire()
    {
        var deadlines = Enumerable.Range(0, 10).Select(_ => new Deadline(this)).ToList();
        deadlines.ForEach(deadline => _wheel.Set(deadline, At(1)));
        var fired = new List<Deadline> { TryTakeDue(At(1.1))! };
        var rest = deadlines.Except(fired).ToList();
        _wheel.Cancel(rest[0]);
        _wheel.Set(rest[1], At(2));
        _wheel.Set(fired[0], At(3));

        while (TryTakeDue(At(1.1)) is { } next)
        {
            fired.Add(next);
        }

        Assert.Equal(8, fired.Count);
        Assert.DoesNotContain(rest[0], fired);
        Assert.Same(rest[1], TryTakeDue(At(2.1)));
        Assert.Same(fired[0], TryTakeDue(At(3.1)));
        Assert.Equal(Instant.Never, _wheel.NextVisit());
    }

    [Fact]
    public void A_long_sleep_fires_everything_in_the_order_of_ticks()
    {
        var random = new Random(6);
        var deadlines = Enumerable.Range(0, 1000).Select(_ => new Deadline(this)).ToList();
        deadlines.ForEach(deadline => _wheel.Set(deadline, At(random.NextDouble() * 1000)));
        var fired = new List<Deadline>();

        while (TryTakeDue(At(5000)) is { } next)
        {
            fired.Add(next);
        }

        Assert.Equal(1000, fired.Count);
        Assert.Equal(1000, fired.Distinct().Count());
        foreach (var (earlier, later) in fired.Zip(fired.Skip(1)))
        {
            // Within one turn the order is that of the ticks; what lies further ahead is passed over until its turn.
            Assert.True(earlier.Due.Elapsed < later.Due.Elapsed + Tick, $"{earlier.Due} fired before {later.Due}.");
        }
    }

    [Fact]
    public void Made_up_deadlines_fire_as_a_plain_list_says()
    {
        var random = new Random(7);
        var deadlines = Enumerable.Range(0, 50).Select(_ => new Deadline(this)).ToArray();
        var model = new Dictionary<Deadline, Instant>();
        var now = At(0);
        for (var step = 0; step < 50_000; step++)
        {
            var deadline = deadlines[random.Next(deadlines.Length)];
            switch (random.Next(5))
            {
                case 0:
                    _wheel.Cancel(deadline);
                    model.Remove(deadline);
                    break;
                case 1 or 2:
                    var due = now + TimeSpan.FromMilliseconds(
                        random.Next(3) switch { 0 => random.Next(50), 1 => random.Next(10_000), _ => random.Next(600_000) });
                    _wheel.Set(deadline, due);
                    model[deadline] = due;
                    break;
                default:
                    now += TimeSpan.FromMilliseconds(random.Next(4) == 0 ? random.Next(300_000) : random.Next(100));
                    while (TryTakeDue(now) is { } fired)
                    {
                        Assert.True(model.Remove(fired, out var expected), "It fired, and was not set.");
                        Assert.True(expected <= now, "It fired early.");
                    }

                    Assert.All(model.Values, left => Assert.True(left + Tick > now, "It is overdue."));
                    break;
            }

            Assert.Equal(model.Count == 0, _wheel.NextVisit() == Instant.Never);
            if (model.Count > 0)
            {
                Assert.True(_wheel.NextVisit() <= model.Values.Min() + Tick + Tick, "The next visit comes too late.");
            }
        }
    }

    [Fact]
    public void A_slot_that_very_many_share_is_gone_through_in_as_many_calls_as_it_takes()
    {
        const int Many = 100_000;
        const int Looks = 1000;

        // Their slot comes round every 131.072 s; they are due in its eighth turn.
        var far = Enumerable.Range(0, Many).Select(_ => new Deadline(this)).ToList();
        far.ForEach(deadline => _wheel.Set(deadline, At(8 * 131.072)));
        var calls = 0;
        for (var looks = 0; looks == 0; calls++)
        {
            looks = Looks;
            Assert.Null(_wheel.TryTakeDue(At(132), ref looks));
        }

        Assert.InRange(calls, Many / Looks, Many / Looks + 3);
        Assert.Null(TryTakeDue(At(8 * 131.072) + TimeSpan.FromTicks(-1)));
        Assert.Equal(Many, far.Count(_ => TryTakeDue(At(8 * 131.072) + Tick) is not null));
        Assert.Equal(Instant.Never, _wheel.NextVisit());
    }

    private Deadline? TryTakeDue(Instant now)
    {
        var looks = int.MaxValue;
        return _wheel.TryTakeDue(now, ref looks);
    }

    private static Instant At(double seconds) => new(TimeSpan.FromSeconds(seconds));
}
