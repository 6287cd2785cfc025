namespace Antiphon.Simulation.Calls;

/// <summary>When there was last nobody at the broker who answers on a topic.</summary>
internal sealed class Presence(World world)
{
    private readonly Dictionary<string, TimeSpan> _absentAt = [];

    /// <summary>When a request to that topic would last have found nobody.</summary>
    public TimeSpan AbsentAt(string topic) => _absentAt.GetValueOrDefault(topic, TimeSpan.MinValue);

    /// <summary>Looks who is there now.</summary>
    public void Look(string topic, IEnumerable<AnsweringProgram> programs)
    {
        foreach (var program in programs)
        {
            if (world.Broker.Engine.FindSession(program.Client.ClientId) is { } session
                && session.Subscriptions.TryGet(program.TopicFilter, out _))
            {
                return;
            }
        }

        _absentAt[topic] = world.Clock.Now;
    }
}
