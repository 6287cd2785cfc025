namespace Antiphon.Rpc;

/// <summary>
/// Messages that came to a requester's Response Topics and ended no call: often the answer that is missed, from a responder that does not
/// give the Correlation Data back.
/// </summary>
public readonly record struct StrayResponses
{
    /// <summary>Messages without Correlation Data.</summary>
    public long WithoutCorrelationData { get; init; }

    /// <summary>Messages with Correlation Data that this requester has not given to a request on that topic.</summary>
    public long UnknownCorrelationData { get; init; }

    /// <summary>Messages with the Correlation Data of a call that had ended.</summary>
    public long Late { get; init; }

    /// <summary>Retained messages, which are never taken for a response.</summary>
    public long Retained { get; init; }

    /// <summary>Whether there were any.</summary>
    public bool Any => this != default;

    internal StrayResponses Since(in StrayResponses before) => new()
    {
        WithoutCorrelationData = WithoutCorrelationData - before.WithoutCorrelationData,
        UnknownCorrelationData = UnknownCorrelationData - before.UnknownCorrelationData,
        Late = Late - before.Late,
        Retained = Retained - before.Retained,
    };

    /// <summary>What came, as a sentence with a space before it; empty when nothing did.</summary>
    internal string Sentence()
    {
        var kinds = new List<string>(4);
        void Add(long count, string what)
        {
            if (count > 0)
            {
                kinds.Add($"{count} {what}");
            }
        }

        Add(WithoutCorrelationData, "without Correlation Data");
        Add(UnknownCorrelationData, "with unknown Correlation Data");
        Add(Late, "for a call that had ended");
        Add(Retained, "retained");
        return kinds.Count == 0 ? "" : $" Other messages came to the requester meanwhile: {string.Join(", ", kinds)}.";
    }
}
