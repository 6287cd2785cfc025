using Antiphon.Client.Connections;

namespace Antiphon.Client.Tests.Connections;

public sealed class ReconnectScheduleTests
{
    [Fact]
    public void Waits_double_up_to_the_longest_with_half_of_each_left_to_chance()
    {
        var schedule = new ReconnectSchedule(TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(1), new Random(1));
        int[] due = [100, 200, 400, 800, 1000, 1000, 1000];

        foreach (var milliseconds in due)
        {
            Assert.InRange(schedule.Next(TimeSpan.Zero).TotalMilliseconds, milliseconds / 2.0, milliseconds);
        }
    }

    [Fact]
    public void A_connection_that_held_begins_anew_and_one_that_did_not_goes_on()
    {
        var schedule = new ReconnectSchedule(TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(1), new Random(1));
        schedule.Next(TimeSpan.Zero);
        schedule.Next(TimeSpan.Zero);

        Assert.InRange(schedule.Next(TimeSpan.FromMilliseconds(10)).TotalMilliseconds, 200, 400);
        Assert.InRange(schedule.Next(TimeSpan.FromMinutes(1)).TotalMilliseconds, 50, 100);
    }

    [Fact]
    public void A_connection_that_lasted_begins_anew_however_long_the_wait_has_become()
    {
        var schedule = new ReconnectSchedule(TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(30), new Random(1));
        for (var i = 0; i < 20; i++)
        {
            schedule.Next(TimeSpan.Zero);
        }

        Assert.InRange(schedule.Next(TimeSpan.FromSeconds(4)), TimeSpan.FromSeconds(15), TimeSpan.FromSeconds(30));
        Assert.InRange(schedule.Next(ReconnectSchedule.Lasting).TotalMilliseconds, 50, 100);
    }

    [Fact]
    public async Task Who_waits_for_a_connection_shortens_the_wait_to_a_second()
    {
        using var server = new Peers.ScriptedServer();
        var clock = new Time.ManualTimeProvider();
        await using var client = MqttClient.Start(server.Options with
        {
            TimeProvider = clock,
            ReconnectDelay = TimeSpan.FromSeconds(20),
            MaximumReconnectDelay = TimeSpan.FromSeconds(20),
        });
        using var first = await server.AcceptAsync("20 03 00 88 00");
        await clock.WhenTimerAsync(due => due > TimeSpan.FromSeconds(10));

        var publishing = client.PublishAsync(
            new Protocol.ApplicationMessage { Topic = "a", QoS = Protocol.QualityOfService.AtLeastOnce }, Peers.Limit.Token).AsTask();
        clock.Advance(TimeSpan.FromSeconds(1));

        using var second = await server.AcceptAsync(Peers.ScriptedServer.Accepted);
        await second.ExpectAsync("32 06 0001 'a' 0001 00");
        await second.SendAsync("40 02 0001");
        await publishing;
    }

    [Fact]
    public void A_thousand_failures_do_not_overflow()
    {
        var schedule = new ReconnectSchedule(TimeSpan.FromSeconds(1), TimeSpan.FromDays(1), new Random(1));
        for (var i = 0; i < 1000; i++)
        {
            Assert.InRange(schedule.Next(TimeSpan.Zero), TimeSpan.FromMilliseconds(500), TimeSpan.FromDays(1));
        }
    }

    [Fact]
    public async Task The_client_waits_before_it_tries_again()
    {
        using var server = new Peers.ScriptedServer();
        var clock = new Time.ManualTimeProvider();
        await using var client = MqttClient.Start(server.Options with
        {
            TimeProvider = clock,
            ReconnectDelay = TimeSpan.FromSeconds(20),
            MaximumReconnectDelay = TimeSpan.FromSeconds(20),
        });
        using var first = await server.AcceptAsync("20 03 00 88 00");

        await clock.WhenTimerAsync(due => due > TimeSpan.FromSeconds(10) && due <= TimeSpan.FromSeconds(20));
        Assert.Equal(ConnectionState.Reconnecting, client.State);
        clock.Advance(TimeSpan.FromSeconds(20));

        using var second = await server.AcceptAsync(Peers.ScriptedServer.Accepted);
        await client.WaitUntilConnectedAsync(Peers.Limit.Token);
    }
}
