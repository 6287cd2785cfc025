using System.Net;
using Antiphon.Broker;
using Antiphon.Broker.Authentication;
using Antiphon.Protocol;
using Antiphon.Server.Tests.Peers;
using Antiphon.Server.Users;

namespace Antiphon.Server.Tests.Users;

public sealed class FailedLogInsTests
{
    private readonly StandingTime _time = new();
    private readonly FailedLogIns _failed;

    public FailedLogInsTests() => _failed = new FailedLogIns(new FailedLogInLimits(), _time);

    [Fact]
    public void Five_failures_cost_nothing_and_then_the_wait_doubles_up_to_the_longest()
    {
        Assert.Equal([0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60], Enumerable.Range(0, 13).Select(_ => FailAndWait("192.0.2.1", "ann")));
    }

    [Fact]
    public void An_attempt_too_early_is_told_when_to_come_and_counts_for_nothing()
    {
        FailOften(7);

        for (var i = 0; i < 10; i++)
        {
            var refused = _failed.RefusalOf(From("192.0.2.1"), "ann")!;
            Assert.Equal(
                (ReasonCode.ConnectionRateExceeded, "Too many log-ins from this address have failed; try again in 2 s."),
                (refused.ReasonCode, refused.ReasonString));
        }

        _time.Now += TimeSpan.FromSeconds(2);
        Assert.Null(_failed.RefusalOf(From("192.0.2.1"), "ann"));
    }

    [Fact]
    public void Strangers_lock_nobody_out()
    {
        FailOften(20);

        Assert.NotNull(_failed.RefusalOf(From("192.0.2.1"), "ann"));
        Assert.Null(_failed.RefusalOf(From("192.0.2.2"), "ann"));
        Assert.Null(_failed.RefusalOf(From("192.0.2.1"), "bob"));
    }

    [Fact]
    public void Who_gets_in_begins_anew()
    {
        FailOften(20);

        _failed.Succeeded(From("192.0.2.1"), "ann");

        Assert.Null(_failed.RefusalOf(From("192.0.2.1"), "ann"));
        FailOften(5);
        Assert.Null(_failed.RefusalOf(From("192.0.2.1"), "ann"));
    }

    [Fact]
    public void Failures_are_forgotten_in_ten_of_the_longest_waits()
    {
        FailOften(20);
        _time.Now += TimeSpan.FromSeconds(599);
        FailOften(1);
        Assert.NotNull(_failed.RefusalOf(From("192.0.2.1"), "ann"));

        _time.Now += TimeSpan.FromSeconds(601);
        FailOften(5);
        Assert.Null(_failed.RefusalOf(From("192.0.2.1"), "ann"));
    }

    [Fact]
    public void An_address_that_tries_many_users_is_stopped_and_its_honest_users_are_not()
    {
        _failed.Succeeded(From("192.0.2.1"), "honest");
        Spray("192.0.2.1", 99);
        Assert.Null(_failed.RefusalOf(From("192.0.2.1"), "new"));
        Spray("192.0.2.1", 1);

        var refused = _failed.RefusalOf(From("192.0.2.1"), "new")!;
        Assert.Equal("Too many log-ins from this address have failed; try again in 1 s.", refused.ReasonString);
        Assert.Null(_failed.RefusalOf(From("192.0.2.1"), "honest"));
        Assert.Null(_failed.RefusalOf(From("192.0.2.2"), "new"));

        // One more each 0.6 seconds.
        _time.Now += TimeSpan.FromSeconds(0.6);
        Assert.Null(_failed.RefusalOf(From("192.0.2.1"), "new"));
        Spray("192.0.2.1", 1);
        Assert.NotNull(_failed.RefusalOf(From("192.0.2.1"), "new"));
    }

    [Theory]
    [InlineData("2001:db8::1", "2001:db8::ffff:1", true)]
    [InlineData("2001:db8::1", "2001:db8:0:1::1", false)]
    [InlineData("::ffff:192.0.2.1", "192.0.2.1", true)]
    public void One_network_of_IPv6_is_one_address(string one, string other, bool isSame)
    {
        FailOften(6, one);

        Assert.Equal(isSame, _failed.RefusalOf(From(other), "ann") is not null);
    }

    [Fact]
    public void What_is_remembered_is_bounded()
    {
        for (var i = 0; i < 100_000; i++)
        {
            _failed.Failed(From(new IPAddress((uint)i).ToString()), $"user {i}");
            Assert.InRange(_failed.Remembered, 0, 2 * FailedLogIns.MaximumEntries);
        }

        FailOften(6);
        Assert.NotNull(_failed.RefusalOf(From("192.0.2.1"), "ann"));
    }

    [Fact]
    public void Other_limits_hold_at_once_and_none_slow_nobody()
    {
        _failed.Renew(new FailedLogInLimits { Free = 1, LongestWait = TimeSpan.FromSeconds(3), PerAddress = 1000 });
        Assert.Equal([0, 1, 2, 3, 3], Enumerable.Range(0, 5).Select(_ => FailAndWait("192.0.2.1", "ann")));
        FailOften(1);

        _failed.Renew(new FailedLogInLimits { LongestWait = TimeSpan.Zero, PerAddress = 1 });
        Assert.Null(_failed.RefusalOf(From("192.0.2.1"), "ann"));
        FailOften(50);
        Assert.Null(_failed.RefusalOf(From("192.0.2.1"), "bob"));
    }

    [Fact]
    public void Limits_that_are_none_are_told() =>
        Assert.Equal(
            [
                "FailedLogIns.Free is 0; it has to be 1 or more.",
                "FailedLogIns.LongestWait is -00:00:01; it has to be zero to one day.",
                "FailedLogIns.PerAddress is 0; it has to be 1 or more.",
            ],
            new FailedLogInLimits { Free = 0, LongestWait = TimeSpan.FromSeconds(-1), PerAddress = 0 }.Mistakes());

    private static ConnectingClient From(string address) => new()
    {
        ClientId = "a",
        Origin = new ConnectionOrigin { Listener = "it", RemoteEndPoint = new IPEndPoint(IPAddress.Parse(address), 1) },
        ProtocolVersion = ProtocolVersion.V5,
    };

    private void FailOften(int times, string address = "192.0.2.1")
    {
        for (var i = 0; i < times; i++)
        {
            _failed.Failed(From(address), "ann");
        }
    }

    private void Spray(string address, int times)
    {
        for (var i = 0; i < times; i++)
        {
            _failed.Failed(From(address), $"{Guid.NewGuid()}");
        }
    }

    /// <summary>Fails, and turns the clock until the next attempt is let through.</summary>
    private int FailAndWait(string address, string user)
    {
        _failed.Failed(From(address), user);
        var seconds = 0;
        while (_failed.RefusalOf(From(address), user) is not null)
        {
            seconds++;
            _time.Now += TimeSpan.FromSeconds(1);
        }

        return seconds;
    }
}
