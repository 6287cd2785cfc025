namespace Antiphon.Broker.Access;

/// <summary>A rule that has been checked.</summary>
/// <param name="rule">The rule.</param>
/// <param name="order">How many stand before it.</param>
/// <param name="topics">Its topics.</param>
internal sealed class CompiledRule(AccessRule rule, int order, TopicPattern[] topics)
{
    public AccessRule Rule { get; } = rule;

    public int Order { get; } = order;

    public TopicPattern[] Topics { get; } = topics;
}
