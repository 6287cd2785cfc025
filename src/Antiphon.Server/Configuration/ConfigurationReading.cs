namespace Antiphon.Server.Configuration;

/// <summary>What came of reading a configuration. Immutable.</summary>
/// <param name="Options">The options; <c>null</c>: there are mistakes that are no mere warnings.</param>
/// <param name="Mistakes">All mistakes and warnings, in the order of the file.</param>
/// <param name="Files">The file itself and those that it names; when one of them changes, it is to be read again.</param>
public sealed record ConfigurationReading(
    ServerOptions? Options, IReadOnlyList<ConfigurationMistake> Mistakes, IReadOnlyList<string> Files);
