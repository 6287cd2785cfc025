using System.Net;

namespace Antiphon.Cli.Brokers;

/// <summary>Where <c>--bind</c> has the broker listen: an address, and a port if it says one.</summary>
/// <param name="Address">The address.</param>
/// <param name="Port">The TCP port; <c>null</c>: that of <c>--port</c>.</param>
internal readonly record struct BindAddress(IPAddress Address, int? Port)
{
    /// <summary>Takes <c>127.0.0.1</c>, <c>127.0.0.1:1884</c>, <c>::1</c>, <c>[::1]</c> or <c>[::1]:1884</c> apart.</summary>
    /// <returns><c>null</c>: it is none of these.</returns>
    public static BindAddress? TryParse(string text)
    {
        var isBracketed = text.StartsWith('[');
        var colon = text.LastIndexOf(':');
        if (isBracketed ? text.EndsWith(']') : text.Count(c => c == ':') != 1)
        {
            // The base library takes «1» for an address, too: 0.0.0.1.
            return text.Any(c => c is '.' or ':') && IPAddress.TryParse(text.Trim('[', ']'), out var address)
                ? new BindAddress(address, null)
                : null;
        }

        return colon < text.Length - 1 && IPEndPoint.TryParse(text, out var endPoint) && text[..colon].Any(c => c is '.' or ':')
            ? new BindAddress(endPoint.Address, endPoint.Port)
            : null;
    }

    /// <summary>The address and port to listen on.</summary>
    /// <param name="port">The port where none is said.</param>
    public IPEndPoint At(int port) => new(Address, Port ?? port);
}
