namespace Antiphon.Architecture.Tests;

/// <summary>A source project and what it may lean on. A line here changes only with a decision record.</summary>
/// <param name="Name">The project's and assembly's name.</param>
/// <param name="Rooms">The projects that it may reference; what these reference comes with them.</param>
/// <param name="Packages">The packages that it may take; a name that ends in a dot and a star stands for all that begin so.</param>
internal sealed record Room(string Name, string[] Rooms, string[] Packages)
{
    private static readonly string[] AbstractionsOnly = ["Microsoft.Extensions.*.Abstractions"];

    /// <summary>Every room of the house, built or not.</summary>
    public static readonly Room[] All =
    [
        new("Antiphon.Protocol", [], []),
        new("Antiphon.Broker", ["Antiphon.Protocol"], AbstractionsOnly),
        new("Antiphon.Client", ["Antiphon.Protocol"], AbstractionsOnly),
        new("Antiphon.Rpc", ["Antiphon.Client"], AbstractionsOnly),
        new("Antiphon.Rpc.Generators", [], ["Microsoft.CodeAnalysis.*"]),
        new("Antiphon.Hosting", ["Antiphon.Rpc"], ["Microsoft.Extensions.*", "OpenTelemetry*"]),
        new("Antiphon.Server", ["Antiphon.Broker"], ["*"]),
        new("Antiphon.Testing", ["Antiphon.Broker", "Antiphon.Rpc"], AbstractionsOnly),
        new("Antiphon.Cli", ["Antiphon.Server", "Antiphon.Broker", "Antiphon.Rpc"], ["*"]),
    ];

    public static Room Named(string name) => All.Single(room => room.Name == name);

    /// <summary>The rooms that it may reference, and in turn those that these may reference.</summary>
    public IReadOnlySet<string> Reachable => Rooms.SelectMany(name => Named(name).Reachable.Append(name)).ToHashSet();

    public bool AllowsPackage(string assembly) => Packages.Any(pattern => Matches(pattern, assembly));

    private static bool Matches(string pattern, string name)
    {
        var star = pattern.IndexOf('*', StringComparison.Ordinal);
        return star < 0
            ? pattern == name
            : name.Length >= pattern.Length - 1
                && name.StartsWith(pattern[..star], StringComparison.Ordinal)
                && name.EndsWith(pattern[(star + 1)..], StringComparison.Ordinal);
    }
}
