using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace Antiphon.Broker.Limits;

/// <summary>
/// Whom an address stands for: an address of IPv4, or the first 64 bits of one of IPv6, since whoever has one of those has them all.
/// </summary>
/// <param name="Network">The first 64 bits of an address of IPv6; 0 for IPv4.</param>
/// <param name="Host">The address of IPv4 and a bit above it; 0 for IPv6.</param>
internal readonly record struct AddressKey(ulong Network, ulong Host)
{
    private const ulong IsIPv4 = 1UL << 32;

    /// <summary>Whom an end point stands for.</summary>
    /// <returns>
    /// <c>false</c>: for nobody in particular. That is a connection without an IP address, and one from this machine: proxies and bridges
    /// that run here pass on the connections of many.
    /// </returns>
    public static bool TryGet(EndPoint? endPoint, out AddressKey key)
    {
        key = default;
        if (endPoint is not IPEndPoint { Address: var address } || IPAddress.IsLoopback(address))
        {
            return false;
        }

        Span<byte> bytes = stackalloc byte[16];
        if (!address.TryWriteBytes(bytes, out var length))
        {
            return false;
        }

        key = address.AddressFamily == AddressFamily.InterNetwork ? OfIPv4(bytes[..length])
            : address.IsIPv4MappedToIPv6 ? OfIPv4(bytes[12..])
            : new AddressKey(BinaryPrimitives.ReadUInt64BigEndian(bytes), 0);
        return true;
    }

    private static AddressKey OfIPv4(ReadOnlySpan<byte> address) => new(0, IsIPv4 | BinaryPrimitives.ReadUInt32BigEndian(address));
}
