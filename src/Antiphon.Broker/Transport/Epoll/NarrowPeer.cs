namespace Antiphon.Broker.Transport.Epoll;

/// <summary>
/// Peers whose TCP receive window is smaller than usual, because their program has set a small receive buffer.
/// Such a window may shrink below the segments that the kernel has made for it by then: a segment that does not fit whole waits,
/// though the peer has read everything and will offer no more, until a timer of the kernel cuts it, 200 ms later and again and again.
/// On an Ethernet no segment is that large; on the loopback interface it is half of the first window.
/// What such a peer is sent is therefore cut here, into pieces that the kernel keeps apart.
/// </summary>
internal static class NarrowPeer
{
    /// <summary>What a segment carries on an Ethernet.</summary>
    public const int PieceSize = 1460;

    /// <summary>A peer that leaves its receive buffer alone offers 64 KiB, or a little less, at once.</summary>
    private const uint UsualWindow = 60 * 1024;

    // In struct tcp_info. The kernel knows the window since Linux 5.4, the segment always.
    private const int SegmentOffset = 16;
    private const int WindowOffset = 228;
    private const int Size = WindowOffset + sizeof(uint);

    /// <summary>Whether that is so of the peer of a socket that has just been accepted.</summary>
    public static unsafe bool Is(int fd)
    {
        var info = stackalloc byte[Size];
        uint length = Size;
        return Native.GetSocketOption(fd, Native.IPPROTO_TCP, Native.TCP_INFO, info, &length) == 0
            && length == Size
            && *(uint*)(info + WindowOffset) < UsualWindow
            && *(uint*)(info + SegmentOffset) > PieceSize;
    }
}
