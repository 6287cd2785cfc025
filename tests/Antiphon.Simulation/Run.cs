using Antiphon.Broker;

namespace Antiphon.Simulation;

/// <summary>One run of a scenario from its seed to its end.</summary>
internal static class Run
{
    private const int StackBytes = 16 * 1024 * 1024;
    private const int MostSteps = 2_000_000;

    // While things are begun, the clock is not turned far at once.
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan LastPatience = TimeSpan.FromSeconds(10);

    // Longer than anything that a deadline ends.
    private static readonly TimeSpan LongestSettling = TimeSpan.FromMinutes(10);

    /// <summary>Runs it on a thread of its own, which has nothing of the test's about it.</summary>
    /// <returns>All that happened.</returns>
    /// <exception cref="SeedFailedException">Something did not hold.</exception>
    public static Trace Of(int seed, Func<int, IScenario> scenario) => OnThread(seed, keep =>
    {
        var run = scenario(seed);
        keep(run.World.Trace);
        ToTheEnd(run);
    });

    /// <summary>Runs what a test has written down step by step; the seed decides the rest.</summary>
    /// <exception cref="SeedFailedException">Something did not hold.</exception>
    public static void Script(int seed, Action<World> script) => OnThread(seed, keep =>
    {
        var world = new World(seed, new BrokerOptions { AllowAnonymous = true });
        keep(world.Trace);
        script(world);
    });

    private static Trace OnThread(int seed, Action<Action<Trace>> run)
    {
        Trace? trace = null;
        Exception? failure = null;
        var thread = new Thread(
            () =>
            {
                try
                {
                    run(one => trace = one);
                }
#pragma warning disable CA1031 // It is thrown again where the test waits.
                catch (Exception exception)
#pragma warning restore CA1031
                {
                    failure = exception;
                }
            },
            StackBytes);
        thread.Start();
        thread.Join();
        return failure is null ? trace! : throw new SeedFailedException(seed, trace, failure);
    }

    private static void ToTheEnd(IScenario scenario)
    {
        var world = scenario.World;
        var steps = 0;
        while (scenario.HasMore)
        {
            if (world.Chance.Happens(0.08))
            {
                scenario.Act();
            }
            else if (world.Chance.Happens(0.005))
            {
                scenario.Disturb();
            }
            else
            {
                world.Step(Patience);
            }

            scenario.Check();
            Count(ref steps);
        }

        world.Heal();
        var healed = world.Clock.Now;
        while (!scenario.IsSettled && world.Clock.Now - healed < LongestSettling)
        {
            world.Step(LastPatience);
            scenario.Check();
            Count(ref steps);
        }

        scenario.CheckEnd();
    }

    private static void Count(ref int steps)
    {
        if (++steps > MostSteps)
        {
            throw new InvalidOperationException($"After {MostSteps} steps it has not come to its end.");
        }
    }
}
