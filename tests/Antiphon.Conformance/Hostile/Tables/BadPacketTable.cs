using Antiphon.Conformance.Brokers;
using Antiphon.Conformance.Wire;

namespace Antiphon.Conformance.Hostile.Tables;

/// <summary>The bad packets of a section, each a test of its own in each of its versions, with its labels as traits.</summary>
internal sealed class BadPacketTable
{
    private readonly Dictionary<string, (BadPacket Packet, ProtocolVersion Version)> _rows = [];

    /// <summary>A table.</summary>
    /// <param name="name">What the packets are, for the page of coverage.</param>
    /// <param name="packets">The packets.</param>
    public BadPacketTable(string name, IEnumerable<BadPacket> packets)
    {
        Name = name;
        foreach (var packet in packets)
        {
            if (packet.InV5)
            {
                _rows.Add($"MQTT 5: {packet.Name}", (packet, ProtocolVersion.V5));
            }

            if (packet.InV311)
            {
                _rows.Add($"MQTT 3.1.1: {packet.Name}", (packet, ProtocolVersion.V311));
            }
        }
    }

    public string Name { get; }

    /// <summary>How many rows carry each label.</summary>
    public IEnumerable<(string Label, int Count)> Labels => Rows
        .SelectMany(row => row.Traits.GetValueOrDefault("Label", []))
        .CountBy(label => label)
        .Select(counted => (counted.Key, counted.Value));

    /// <summary>What a test of the section is called with.</summary>
    public IEnumerable<TheoryDataRow<string>> Rows => _rows.Select(row =>
    {
        var data = new TheoryDataRow<string>(row.Key);
        if (row.Value.Version == ProtocolVersion.V5 && row.Value.Packet.Labels is { Length: > 0 } labels)
        {
            data.Traits["Label"] = [.. labels.Split(' ')];
        }

        return data;
    });

    internal async Task RunAsync(string row, HostileGround ground)
    {
        var (packet, version) = _rows[row];
        if (ground.Broker.Features.WhyNot(version == ProtocolVersion.V5 ? Need.Mqtt5 : Need.Mqtt311) is { } reason)
        {
            Assert.False(ground.Broker.IsOurs, $"Our broker does not show this any more: {reason}.");
            Assert.Skip($"The broker cannot show this: {reason}.");
        }

        if (packet.IsOwnRule && !ground.Broker.IsOurs)
        {
            Assert.Skip("The rule is this broker's own.");
        }

        var seen = await ground.SendAsync(packet, version);
        if (!ground.Broker.IsOurs)
        {
            // To say why is advised, not required (MQTT 5 §4.13); and who resets the connection has closed it.
            seen = seen.Replace(", reset", "", StringComparison.Ordinal).Replace("reset", "silence", StringComparison.Ordinal);
        }

        Assert.Contains(seen, packet.EndingsIn(version).Concat(ground.Broker.IsOurs ? [] : ["silence"]).Distinct());
        await ground.Pair.ExchangeAsync();
    }
}
