using System.Collections;
using Antiphon.Conformance.Brokers;
using Antiphon.Conformance.Wire;

namespace Antiphon.Conformance.Cases;

/// <summary>
/// The cases of a section. Each is a test of its own in each of its versions, with its labels and its pace as traits.
/// A slow one waits for the broker's clock.
/// </summary>
internal sealed class CaseTable : IEnumerable<Case>
{
    private readonly Dictionary<string, (Case Case, ProtocolVersion Version)> _rows = [];

    /// <summary>What a test of the section is called with.</summary>
    public IEnumerable<TheoryDataRow<string>> Rows => _rows.Select(row =>
    {
        var data = new TheoryDataRow<string>(row.Key);
        data.Traits["Label"] = [.. row.Value.Case.LabelsOf(row.Value.Version)];
        data.Traits["Pace"] = [row.Value.Case.IsSlow ? "slow" : "quick"];
        return data;
    });

    public void Add(Case one)
    {
        foreach (var version in one.Versions)
        {
            _rows.Add($"{Name(version)}: {one.Sentence}", (one, version));
        }
    }

    public async Task RunAsync(string row, BrokerUnderTest broker)
    {
        var (one, version) = _rows[row];
        var labels = string.Join(' ', one.LabelsOf(version));
        Need[] needs = [version == ProtocolVersion.V5 ? Need.Mqtt5 : Need.Mqtt311, .. one.Needs];
        var listener = broker.Listeners.FirstOrDefault(place => place.Features.WhyNot(needs) is null) ?? broker.Listeners[0];
        if (listener.Features.WhyNot(needs) is { } reason)
        {
            broker.Results.Add("skipped", Name(version), labels, one.Sentence, reason);
            Assert.False(broker.IsOurs, $"Neither of our two brokers shows this any more: {reason}.");
            Assert.Skip($"The broker cannot show this: {reason}.");
        }

        try
        {
            await using var run = new CaseRun(one, version, listener);
            await run.RunAsync(TestContext.Current.CancellationToken);
        }
        catch (CaseFailedException failure)
        {
            broker.Results.Add("failed", Name(version), labels, one.Sentence, failure.Reason);
            throw;
        }

        broker.Results.Add("passed", Name(version), labels, one.Sentence, "");
    }

    public IEnumerator<Case> GetEnumerator() => _rows.Values.Select(row => row.Case).Distinct().GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    private static string Name(ProtocolVersion version) => version == ProtocolVersion.V5 ? "MQTT 5" : "MQTT 3.1.1";
}
