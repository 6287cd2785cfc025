using Antiphon.Protocol.Properties;

namespace Antiphon.Cli.Output;

/// <summary>A User Property in JSON; a list of pairs, since a name may stand more than once and order counts (MQTT 5 §3.3.2.3.7).</summary>
internal sealed record PropertyPair(string Name, string Value)
{
    public static IReadOnlyList<PropertyPair>? ListOf(IReadOnlyList<UserProperty> properties) =>
        properties.Count == 0 ? null : [.. properties.Select(property => new PropertyPair(property.Name, property.Value))];

    /// <summary>Correlation Data as hexadecimal digits.</summary>
    public static string? Hex(ReadOnlyMemory<byte>? bytes) => bytes is { } present ? Convert.ToHexStringLower(present.Span) : null;
}
