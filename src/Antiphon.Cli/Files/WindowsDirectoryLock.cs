namespace Antiphon.Cli.Files;

/// <summary>A file beside the one in question, which is there for as long as one process has it open.</summary>
internal sealed class WindowsDirectoryLock : IDirectoryLock
{
    private const int SharingViolation = unchecked((int)0x80070020);

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);

    private readonly FileStream _file;

    private WindowsDirectoryLock(FileStream file) => _file = file;

    public static async Task<WindowsDirectoryLock> TakeAsync(string path, TimeProvider time, CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                return new WindowsDirectoryLock(new FileStream(
                    $"{path}.lock", FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, 1, FileOptions.DeleteOnClose));
            }
            catch (IOException e) when (e.HResult == SharingViolation)
            {
                await Task.Delay(Pause, time, cancellationToken);
            }
        }
    }

    public void Flush()
    {
        // NTFS keeps a journal of names.
    }

    public void Dispose() => _file.Dispose();
}
