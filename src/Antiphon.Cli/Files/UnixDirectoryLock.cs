using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Antiphon.Cli.Files;

/// <summary>A directory that is locked by flock, which ends with the process.</summary>
internal sealed partial class UnixDirectoryLock : IDirectoryLock
{
    private const int ExclusiveWithoutWaiting = 2 | 4;
    private const int NoSuchEntry = 2;

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);
    private static readonly int WouldBlock = OperatingSystem.IsLinux() ? 11 : 35;

    private readonly SafeFileHandle _directory;

    private UnixDirectoryLock(SafeFileHandle directory) => _directory = directory;

    /// <summary>Waits for the lock, for as long as it takes.</summary>
    public static async Task<UnixDirectoryLock> TakeAsync(string path, TimeProvider time, CancellationToken cancellationToken)
    {
        var directory = new SafeFileHandle(Open(path, 0), ownsHandle: true);
        if (directory.IsInvalid)
        {
            var error = Marshal.GetLastPInvokeError();
            throw error == NoSuchEntry ? new DirectoryNotFoundException($"There is no directory «{path}».") : Failure(path, error);
        }

        while (Lock(directory, ExclusiveWithoutWaiting) != 0)
        {
            var error = Marshal.GetLastPInvokeError();
            if (error != WouldBlock)
            {
                directory.Dispose();
                throw Failure(path, error);
            }

            try
            {
                await Task.Delay(Pause, time, cancellationToken);
            }
            catch (OperationCanceledException)
            {
                directory.Dispose();
                throw;
            }
        }

        return new UnixDirectoryLock(directory);
    }

    public void Flush()
    {
        // Some file systems cannot do that for a directory; then there is nothing more to be done.
        _ = Synchronize(_directory);
    }

    public void Dispose() => _directory.Dispose();

    private static IOException Failure(string path, int error) =>
        new($"The directory «{path}» cannot be locked: {Marshal.GetPInvokeErrorMessage(error)}.");

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "flock", SetLastError = true)]
    private static partial int Lock(SafeFileHandle file, int operation);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Synchronize(SafeFileHandle file);
}
