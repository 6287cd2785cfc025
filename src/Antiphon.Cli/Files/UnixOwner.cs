using System.Runtime.InteropServices;

namespace Antiphon.Cli.Files;

/// <summary>The user and the group that a file belongs to.</summary>
internal static partial class UnixOwner
{
    private const int CurrentDirectory = -100;
    private const uint UserAndGroup = 0x8 | 0x10;

    /// <summary>Gives a file to the user and the group of another one. On systems other than Linux it stays the program's.</summary>
    /// <exception cref="IOException">The program may not give it away.</exception>
    public static void Copy(string from, string to)
    {
        if (!OperatingSystem.IsLinux())
        {
            return;
        }

        var (user, group) = Of(from);
        if ((user, group) != Of(to) && ChangeOwner(to, user, group) != 0)
        {
            throw new IOException(
                $"It belongs to user {user} and group {group}, and could not be given back to them; do this as that user or as root.");
        }
    }

    private static (uint User, uint Group) Of(string path)
    {
        var status = default(FileStatus);
        return Status(CurrentDirectory, path, 0, UserAndGroup, ref status) == 0
            ? (status.User, status.Group)
            : throw new IOException($"«{path}»: {Marshal.GetLastPInvokeErrorMessage()}.");
    }

    // Unlike stat, its structure is the same on every processor.
    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Status(int directory, string path, int flags, uint mask, ref FileStatus status);

    [LibraryImport("libc", EntryPoint = "chown", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int ChangeOwner(string path, uint user, uint group);

    [StructLayout(LayoutKind.Explicit, Size = 256)]
    private struct FileStatus
    {
        [FieldOffset(20)]
        public uint User;

        [FieldOffset(24)]
        public uint Group;
    }
}
