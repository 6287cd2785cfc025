using System.ComponentModel;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Microsoft.Win32.SafeHandles;

namespace Antiphon.Client.Stores;

/// <summary>What the base library does not say about a file on Linux: which one it is, and whose.</summary>
[SupportedOSPlatform("linux")]
internal static partial class UnixFile
{
    private const int CurrentDirectory = -100;
    private const int EmptyPath = 0x1000;
    private const uint BasicFields = 0x7FF;
    private const int DirectoryForReading = 0x80000;

    /// <summary>Tells which file is open, whatever its name is by now.</summary>
    /// <exception cref="IOException">The system does not say.</exception>
    public static UnixFileStatus StatusOf(SafeFileHandle file)
    {
        Check(Statx(file, "", EmptyPath, BasicFields, out var status));
        return new UnixFileStatus(status);
    }

    /// <summary>Tells which file has a name.</summary>
    /// <returns><c>null</c>: none has, or the system does not say.</returns>
    public static UnixFileStatus? StatusOf(string path) =>
        Statx(CurrentDirectory, path, 0, BasicFields, out var status) == 0 ? new UnixFileStatus(status) : null;

    /// <summary>Gives a file the owner and group of another.</summary>
    /// <exception cref="IOException">This program may not.</exception>
    public static void SetOwner(SafeFileHandle file, in UnixFileStatus other) => Check(FChOwn(file, other.User, other.Group));

    /// <summary>Waits until the disk has the names in a directory.</summary>
    /// <exception cref="IOException">It does not.</exception>
    public static void FlushDirectory(string path)
    {
        var descriptor = Open(path, DirectoryForReading);
        Check(descriptor);
        using var directory = new SafeFileHandle(descriptor, ownsHandle: true);
        RandomAccess.FlushToDisk(directory);
    }

    private static void Check(int result)
    {
        if (result < 0)
        {
            throw new IOException(new Win32Exception(Marshal.GetLastPInvokeError()).Message);
        }
    }

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Statx(SafeFileHandle file, string path, int flags, uint mask, out Raw status);

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Statx(int directory, string path, int flags, uint mask, out Raw status);

    [LibraryImport("libc", EntryPoint = "fchown", SetLastError = true)]
    private static partial int FChOwn(SafeFileHandle file, uint user, uint group);

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    /// <summary>The system's <c>struct statx</c>, which is the same on every processor.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 256)]
    internal struct Raw
    {
        [FieldOffset(20)]
        public uint User;

        [FieldOffset(24)]
        public uint Group;

        [FieldOffset(32)]
        public ulong Node;

        [FieldOffset(136)]
        public uint DeviceMajor;

        [FieldOffset(140)]
        public uint DeviceMinor;
    }
}
