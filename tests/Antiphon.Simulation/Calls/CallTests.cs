namespace Antiphon.Simulation.Calls;

public sealed class CallTests
{
    private const int CallsPerRun = 100;

    [Fact]
    public void Each_call_ends_once_and_in_time_and_what_it_is_told_is_true()
    {
        var outcomes = new Dictionary<string, int>();
        foreach (var seed in Seeds.UpTo(100))
        {
            CallScenario? last = null;
            Run.Of(seed, seed => last = new CallScenario(seed, CallsPerRun));
            foreach (var (type, count) in last!.Ledger.Outcomes)
            {
                outcomes[type.Name] = outcomes.GetValueOrDefault(type.Name) + count;
            }
        }

        TestContext.Current.TestOutputHelper?.WriteLine(
            string.Join(", ", outcomes.OrderBy(static one => one.Key).Select(static one => $"{one.Value} {one.Key}")));
    }

    [Fact]
    public void The_same_seed_makes_the_same_run()
    {
        foreach (var seed in Seeds.UpTo(10))
        {
            var first = Run.Of(seed, static seed => new CallScenario(seed, CallsPerRun));
            var second = Run.Of(seed, static seed => new CallScenario(seed, CallsPerRun));
            Assert.True(
                first.Hash == second.Hash,
                $"Seed {seed} makes two runs:{Environment.NewLine}{first}{Environment.NewLine}and{Environment.NewLine}{second}");
        }
    }
}
