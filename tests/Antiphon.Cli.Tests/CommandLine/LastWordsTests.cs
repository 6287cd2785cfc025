using Antiphon.Cli.CommandLine;
using Antiphon.Cli.Tests.Running;

namespace Antiphon.Cli.Tests.CommandLine;

/// <summary>They go to the standard error that the program was started with, and to no other file that has its number.</summary>
public sealed class LastWordsTests
{
    [Fact]
    public void A_file_that_the_program_has_opened_itself_is_not_written_to()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Only Unix has descriptors.");
        var name = Path.GetTempFileName();
        try
        {
            using (var file = new FileStream(name, FileMode.Open, FileAccess.ReadWrite))
            {
                LastWords.Say(new IOException("Too many open files"), (int)file.SafeFileHandle.DangerousGetHandle());
            }

            Assert.Empty(File.ReadAllText(name));
        }
        finally
        {
            File.Delete(name);
        }
    }

    [Fact]
    public async Task Without_a_standard_error_the_exit_code_says_it()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Only on Linux the broker knows how many descriptors there are.");

        var end = await ShellRun.RunAsync("ulimit -n 30; antiphon broker --port 0 2>&-");

        Assert.Equal((1, ""), (end.ExitCode, end.Output));
    }
}
