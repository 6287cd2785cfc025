using Microsoft.Win32.SafeHandles;

namespace Antiphon.Client.Stores;

/// <summary>Opens the file of a <see cref="FileSessionStore"/> for one program alone, and puts another in its place with care.</summary>
internal static class StoreFile
{
    /// <summary>The file behind a path: where symbolic links lead, so that they stay when it is replaced.</summary>
    public static string Resolve(string path)
    {
        var full = new FileInfo(path);
        return full.LinkTarget is null ? full.FullName : full.ResolveLinkTarget(returnFinalTarget: true)!.FullName;
    }

    /// <summary>Opens the file, or makes it, and locks it.</summary>
    /// <exception cref="IOException">It cannot be opened; another program may have it.</exception>
    public static SafeFileHandle Open(string path)
    {
        while (true)
        {
            var file = Lock(path, FileMode.OpenOrCreate);
            if (!OperatingSystem.IsLinux() || UnixFile.StatusOf(path) is { } named && UnixFile.StatusOf(file).IsSameFile(named))
            {
                return file;
            }

            // Between our opening and our locking, who had it has put another in its place: the lock is on what has no name any more.
            file.Dispose();
        }
    }

    /// <summary>Makes an empty file beside another, with its mode and owner, and locks it.</summary>
    /// <param name="path">Its name; what has it is replaced.</param>
    /// <param name="model">Whose mode and owner it gets.</param>
    /// <exception cref="IOException">It cannot be made, or this program may not give it that owner.</exception>
    public static SafeFileHandle Create(string path, SafeFileHandle model)
    {
        // Not written over: a link of that name may lead anywhere, and somebody may read what is there already.
        File.Delete(path);
        var file = Lock(path, FileMode.CreateNew);
        try
        {
            if (OperatingSystem.IsLinux())
            {
                var status = UnixFile.StatusOf(model);
                var own = UnixFile.StatusOf(file);
                if ((own.User, own.Group) != (status.User, status.Group))
                {
                    UnixFile.SetOwner(file, status);
                }
            }

            if (!OperatingSystem.IsWindows())
            {
                File.SetUnixFileMode(file, File.GetUnixFileMode(model));
            }

            return file;
        }
        catch
        {
            file.Dispose();
            File.Delete(path);
            throw;
        }
    }

    /// <summary>Waits until the disk has the name of a file.</summary>
    /// <exception cref="IOException">It does not.</exception>
    public static void FlushName(string path)
    {
        if (OperatingSystem.IsLinux())
        {
            UnixFile.FlushDirectory(Path.GetDirectoryName(path)!);
        }
    }

    private static SafeFileHandle Lock(string path, FileMode mode)
    {
        try
        {
            var options = new FileStreamOptions { Mode = mode, Access = FileAccess.ReadWrite, Share = FileShare.None, BufferSize = 0 };
            if (!OperatingSystem.IsWindows())
            {
                // What is in there is nobody else's business, until somebody says so.
                options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
            }

            return new FileStream(path, options).SafeFileHandle;
        }
        catch (IOException failure) when (failure.GetType() == typeof(IOException) && File.Exists(path) && mode == FileMode.OpenOrCreate)
        {
            throw new IOException(
                $"The session store «{path}» cannot be had: {failure.Message} Two programs cannot share a store; give each client its own.",
                failure);
        }
    }
}
