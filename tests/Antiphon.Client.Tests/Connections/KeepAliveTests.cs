using Antiphon.Client.Connections;

namespace Antiphon.Client.Tests.Connections;

public sealed class KeepAliveTests
{
    [Fact]
    public void A_client_that_only_sends_pings_as_well()
    {
        var keepAlive = new KeepAlive(Seconds(40), Seconds(10));

        Assert.Equal(KeepAliveStep.Wait, keepAlive.Check(Seconds(29), lastSent: Seconds(29), lastReceived: Seconds(0), out var next));
        Assert.Equal(Seconds(1), next);
        Assert.Equal(KeepAliveStep.Ping, keepAlive.Check(Seconds(30), lastSent: Seconds(30), lastReceived: Seconds(0), out next));
        Assert.Equal(Seconds(10), next);
    }

    [Fact]
    public void Anything_received_after_the_ping_is_a_sign_of_life()
    {
        var keepAlive = new KeepAlive(Seconds(40), Seconds(10));
        keepAlive.Check(Seconds(30), Seconds(0), Seconds(0), out _);

        Assert.Equal(KeepAliveStep.Wait, keepAlive.Check(Seconds(40), Seconds(30), Seconds(31), out var next));
        Assert.Equal(Seconds(20), next);
    }

    [Fact]
    public void Silence_after_the_ping_is_a_loss()
    {
        var keepAlive = new KeepAlive(Seconds(40), Seconds(10));
        keepAlive.Check(Seconds(30), Seconds(0), Seconds(0), out _);

        Assert.Equal(KeepAliveStep.Wait, keepAlive.Check(Seconds(39), Seconds(39), Seconds(0), out var next));
        Assert.Equal(Seconds(1), next);
        Assert.Equal(KeepAliveStep.Lost, keepAlive.Check(Seconds(40), Seconds(39), Seconds(0), out _));
    }

    [Fact]
    public void A_short_Keep_Alive_waits_no_longer_than_itself()
    {
        var keepAlive = new KeepAlive(Seconds(4), Seconds(10));
        keepAlive.Check(Seconds(3), Seconds(0), Seconds(0), out var next);

        Assert.Equal(Seconds(4), next);
    }

    private static TimeSpan Seconds(int seconds) => TimeSpan.FromSeconds(seconds);
}
