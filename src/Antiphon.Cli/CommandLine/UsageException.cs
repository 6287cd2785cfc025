namespace Antiphon.Cli.CommandLine;

/// <summary>
/// The command line says something that cannot be done; found only after it was parsed. Ends the program with <see cref="ExitCode.Usage"/>.
/// </summary>
internal sealed class UsageException(string message) : Exception(message);
