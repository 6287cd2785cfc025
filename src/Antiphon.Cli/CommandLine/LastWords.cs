using System.Text;
using Antiphon.Cli.Output;

namespace Antiphon.Cli.CommandLine;

/// <summary>
/// What is said when the program cannot even say what went wrong, as where no part of it can be loaded any more
/// because the process may open too few files. It needs nothing that is not loaded.
/// </summary>
internal static class LastWords
{
    private const int StandardError = 2;

    /// <summary>Says them.</summary>
    /// <param name="failure">What went wrong.</param>
    /// <param name="descriptor">
    /// Where, on Unix. It is written to only if it was inherited: otherwise it may be any file of this program's own.
    /// </param>
    public static void Say(Exception failure, int descriptor = StandardError)
    {
        var sentence = Encoding.UTF8.GetBytes(
            $"antiphon cannot go on: {failure.GetBaseException().Message.ReplaceLineEndings(" ").TrimEnd()} "
            + "Most often the process may open too few files: raise the limit (ulimit -n); 1024 is usual.\n");
        try
        {
            if (OperatingSystem.IsWindows())
            {
                using var error = Console.OpenStandardError();
                error.Write(sentence);
            }
            else
            {
                // Not the console, which would want to load more than is there. Where nobody is left to be told, the exit code says it.
                _ = new Descriptor(descriptor).Write(sentence);
            }
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException or ArgumentException)
        {
            // Nobody is left to be told; the exit code says it.
        }
    }
}
