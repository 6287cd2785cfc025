using System.Runtime.Versioning;

namespace Antiphon.Client.Stores;

/// <summary>Which file it is, and whose.</summary>
[SupportedOSPlatform("linux")]
internal readonly record struct UnixFileStatus(uint DeviceMajor, uint DeviceMinor, ulong Node, uint User, uint Group)
{
    public UnixFileStatus(in UnixFile.Raw raw)
        : this(raw.DeviceMajor, raw.DeviceMinor, raw.Node, raw.User, raw.Group)
    {
    }

    /// <summary>Whether both are one file, whoever it belongs to.</summary>
    public bool IsSameFile(in UnixFileStatus other) =>
        (DeviceMajor, DeviceMinor, Node) == (other.DeviceMajor, other.DeviceMinor, other.Node);
}
