namespace Antiphon.Simulation.Messages;

public sealed class MessageTests
{
    [Fact]
    public void Each_message_arrives_as_often_as_its_QoS_promises_whatever_the_network_does()
    {
        foreach (var seed in Seeds.UpTo(60))
        {
            Run.Of(seed, seed => new MessageScenario(seed));
        }
    }

    [Fact]
    public void The_same_seed_makes_the_same_run()
    {
        var first = Run.Of(7, seed => new MessageScenario(seed));
        Assert.Equal(first, Run.Of(7, seed => new MessageScenario(seed)));
        Assert.NotEqual(first, Run.Of(8, seed => new MessageScenario(seed)));
    }
}
