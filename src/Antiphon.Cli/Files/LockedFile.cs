using System.Text;

namespace Antiphon.Cli.Files;

/// <summary>
/// A file that one process at a time reads, changes and replaces as a whole. Whoever reads it meanwhile without the lock gets the old file
/// or the new one. The new one has the owner, the group and the mode of the old one, and stands where a symbolic link points to.
/// </summary>
internal sealed class LockedFile : IDisposable
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private readonly IDirectoryLock _directory;

    private LockedFile(string path, IDirectoryLock directory)
    {
        Path = path;
        _directory = directory;
    }

    /// <summary>The file itself, where the path that was given is a link.</summary>
    public string Path { get; }

    /// <summary>Waits until no other process has the file locked. Its directory has to be there.</summary>
    /// <exception cref="IOException">The directory cannot be locked.</exception>
    /// <exception cref="UnauthorizedAccessException">The program may not do that there.</exception>
    public static async Task<LockedFile> OpenAsync(string path, TimeProvider time, CancellationToken cancellationToken)
    {
        var file = Follow(System.IO.Path.GetFullPath(path));
        var directory = System.IO.Path.GetDirectoryName(file) ?? throw new IOException($"«{path}» is a directory");

        // The directory is locked and not the file, which another one takes the place of.
        return new LockedFile(
            file,
            OperatingSystem.IsWindows()
                ? await WindowsDirectoryLock.TakeAsync(file, time, cancellationToken)
                : await UnixDirectoryLock.TakeAsync(directory, time, cancellationToken));
    }

    /// <summary>What the file holds; <c>null</c>: there is none.</summary>
    public string? Read() => File.Exists(Path) ? File.ReadAllText(Path) : null;

    /// <summary>
    /// Replaces the file, or makes it, readable by its owner alone. When this returns, the disk has it.
    /// </summary>
    /// <exception cref="IOException">It cannot be; the old one stands, and nothing is left beside it.</exception>
    /// <exception cref="UnauthorizedAccessException">As <see cref="IOException"/>.</exception>
    public void Replace(string text)
    {
        var fresh = $"{Path}.new";

        // What a process left behind that was killed; nobody else is here now.
        File.Delete(fresh);
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = OwnerOnly;
        }

        try
        {
            using (var stream = new FileStream(fresh, options))
            {
                stream.Write(Encoding.UTF8.GetBytes(text));
                if (!OperatingSystem.IsWindows() && File.Exists(Path))
                {
                    UnixOwner.Copy(Path, fresh);
                    File.SetUnixFileMode(stream.SafeFileHandle, File.GetUnixFileMode(Path));
                }

                stream.Flush(flushToDisk: true);
            }

            File.Move(fresh, Path, overwrite: true);
            _directory.Flush();
        }
        finally
        {
            // It is there only where it could not take the other's place.
            File.Delete(fresh);
        }
    }

    public void Dispose() => _directory.Dispose();

    private static string Follow(string path) =>
        new FileInfo(path).LinkTarget is null ? path : File.ResolveLinkTarget(path, returnFinalTarget: true)!.FullName;
}
