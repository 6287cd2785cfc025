using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Antiphon.Cli.CommandLine;

/// <summary>
/// What is said when the program cannot even say what went wrong, as where no part of it can be loaded any more
/// because the process may open too few files. It needs nothing that is not loaded.
/// </summary>
internal static class LastWords
{
    public static void Say(Exception failure)
    {
        var sentence = Encoding.UTF8.GetBytes(
            $"antiphon cannot go on: {failure.GetBaseException().Message.ReplaceLineEndings(" ").TrimEnd()} "
            + "Most often the process may open too few files: raise the limit (ulimit -n); 1024 is usual.\n");
        try
        {
            // The console would want to load more than is there.
            using var error = OperatingSystem.IsWindows()
                ? Console.OpenStandardError()
                : new FileStream(new SafeFileHandle(2, ownsHandle: false), FileAccess.Write, bufferSize: 0);
            error.Write(sentence);
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException or ArgumentException)
        {
            // Nobody is left to be told; the exit code says it.
        }
    }
}
