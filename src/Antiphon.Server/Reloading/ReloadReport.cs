namespace Antiphon.Server;

/// <summary>What came of a reload. Immutable.</summary>
public sealed record ReloadReport
{
    /// <summary>What is new now, a sentence each.</summary>
    public required IReadOnlyList<string> Applied { get; init; }

    /// <summary>What is different in the options and takes effect only when the server is started anew, a sentence each.</summary>
    public required IReadOnlyList<string> NeedsRestart { get; init; }

    /// <summary>What deserves a look, such as a certificate that expires soon, a sentence each.</summary>
    public required IReadOnlyList<string> Warnings { get; init; }
}
