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
        foreach (var seed in Seeds.UpTo(10))
        {
            var first = Run.Of(seed, static seed => new MessageScenario(seed));
            var second = Run.Of(seed, static seed => new MessageScenario(seed));
            Assert.True(
                first.Hash == second.Hash,
                $"Seed {seed} makes two runs:{Environment.NewLine}{first}{Environment.NewLine}and{Environment.NewLine}{second}");
        }
    }
}
