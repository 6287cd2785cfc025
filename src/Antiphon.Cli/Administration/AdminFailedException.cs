using Antiphon.Cli.CommandLine;

namespace Antiphon.Cli.Administration;

/// <summary>The admin endpoint could not be asked, or did not do what it was asked for.</summary>
internal sealed class AdminFailedException(ExitCode exitCode, string name, string message, Exception? inner = null)
    : Exception(message, inner)
{
    public ExitCode ExitCode { get; } = exitCode;

    /// <summary>The word for it in JSON and in summaries.</summary>
    public string Name { get; } = name;
}
