using Antiphon.Protocol.Topics;

namespace Antiphon.Server;

/// <summary>The audit log: who asked what of whom, and what came of it, a line of JSON each. Immutable.</summary>
public sealed record AuditOptions
{
    /// <summary>The file that lines are added to; it is made, readable for its owner only, where there is none.</summary>
    public required string File { get; init; }

    /// <summary>
    /// The Topic Filters of the request topics that are logged, one or more; <c>#</c> unless said otherwise.
    /// A reload changes them.
    /// </summary>
    public IReadOnlyList<string> Topics { get; init; } = ["#"];

    /// <summary>Whether payloads are logged; not unless said otherwise. A reload changes it.</summary>
    public bool Payloads { get; init; }

    /// <summary>
    /// How large the file may become before another one is begun, in bytes, 65,536 or more;
    /// 100 MiB unless said otherwise.
    /// </summary>
    public long MaximumBytes { get; init; } = 100 * 1024 * 1024;

    /// <summary>How many files are kept beside the one that is written, 0 to 1,000; 10 unless said otherwise.</summary>
    public int Keep { get; init; } = 10;

    internal IEnumerable<string> Mistakes()
    {
        if (Topics.Count == 0)
        {
            yield return "The audit log has no Topic Filters; without any, nothing would be logged.";
        }

        foreach (var topic in Topics)
        {
            if (!TopicFilter.TryParse(topic, out var filter, out var fault))
            {
                yield return $"The audit log's Topic Filter «{topic}» is none: {fault.Message}";
            }
            else if (filter.IsShared)
            {
                yield return $"The audit log's Topic Filter «{topic}» is a shared subscription; it has to be a filter alone.";
            }
        }

        if (MaximumBytes < 65_536)
        {
            yield return $"MaximumBytes of the audit log is {MaximumBytes}; it has to be 65,536 or more.";
        }

        if (Keep is < 0 or > 1000)
        {
            yield return $"Keep of the audit log is {Keep}; it has to be 0 to 1,000.";
        }
    }
}
