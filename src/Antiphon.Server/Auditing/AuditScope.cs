using System.Text;
using Antiphon.Protocol.Topics;

namespace Antiphon.Server.Auditing;

/// <summary>Which requests are logged, and how much of them. Immutable; a reload makes another one.</summary>
internal sealed class AuditScope(AuditOptions options)
{
    private readonly byte[][] _filters = [.. options.Topics.Select(Encoding.UTF8.GetBytes)];

    public bool WithPayloads { get; } = options.Payloads;

    public bool Includes(ReadOnlySpan<byte> topic)
    {
        foreach (var filter in _filters)
        {
            if (TopicFilter.Matches(filter, topic))
            {
                return true;
            }
        }

        return false;
    }
}
