namespace Antiphon.Simulation.Calls;

public sealed class CallTests
{
    private const int CallsPerRun = 100;

    [Fact]
    public void Each_call_ends_once_and_in_time_and_what_it_is_told_is_true()
    {
        foreach (var seed in Seeds.UpTo(100))
        {
            Run.Of(seed, static seed => new CallScenario(seed, CallsPerRun));
        }
    }

    [Fact]
    public void The_same_seed_makes_the_same_run()
    {
        var first = Run.Of(7, static seed => new CallScenario(seed, CallsPerRun));
        Assert.Equal(first, Run.Of(7, static seed => new CallScenario(seed, CallsPerRun)));
        Assert.NotEqual(first, Run.Of(8, static seed => new CallScenario(seed, CallsPerRun)));
    }
}
