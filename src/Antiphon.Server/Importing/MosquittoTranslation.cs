namespace Antiphon.Server.Importing;

/// <summary>What has come of files of mosquitto's. Immutable.</summary>
public sealed record MosquittoTranslation
{
    /// <summary>The text of a configuration file; <c>null</c>: something cannot be translated.</summary>
    public string? Configuration { get; init; }

    /// <summary>The text of a password file; <c>null</c>: the configuration names none.</summary>
    public string? Users { get; init; }

    /// <summary>What cannot be translated, a sentence each that begins with file and line.</summary>
    public required IReadOnlyList<string> Refusals { get; init; }

    /// <summary>What is left out or deserves a look, a sentence each that begins with file and line.</summary>
    public required IReadOnlyList<string> Notes { get; init; }
}
