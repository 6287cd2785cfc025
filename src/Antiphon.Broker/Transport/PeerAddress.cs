using System.Buffers.Binary;
using System.Net;
using System.Runtime.InteropServices;

namespace Antiphon.Broker.Transport;

/// <summary>
/// Linux's <c>struct sockaddr_in</c> and <c>sockaddr_in6</c>: the address family in the machine's byte order,
/// port and address in the network's.
/// </summary>
internal static class PeerAddress
{
    /// <summary>The longer of the two, in bytes.</summary>
    public const int MaximumSize = 28;

    private const ushort AF_INET = 2;
    private const ushort AF_INET6 = 10;

    /// <returns><c>null</c>: it is an address of another family.</returns>
    public static IPEndPoint? Read(ReadOnlySpan<byte> address)
    {
        switch (MemoryMarshal.Read<ushort>(address))
        {
            case AF_INET:
                return new IPEndPoint(new IPAddress(address.Slice(4, 4)), Port(address));
            case AF_INET6:
                var scope = MemoryMarshal.Read<uint>(address[24..]);
                return WithoutMapping(new IPEndPoint(new IPAddress(address.Slice(8, 16), scope), Port(address)));
            default:
                return null;
        }
    }

    /// <summary>A socket of IPv6 that serves IPv4 too shows such a peer as <c>::ffff:1.2.3.4</c>; it is 1.2.3.4.</summary>
    public static IPEndPoint WithoutMapping(IPEndPoint peer) =>
        peer.Address.IsIPv4MappedToIPv6 ? new IPEndPoint(peer.Address.MapToIPv4(), peer.Port) : peer;

    private static int Port(ReadOnlySpan<byte> address) => BinaryPrimitives.ReadUInt16BigEndian(address[2..]);
}
