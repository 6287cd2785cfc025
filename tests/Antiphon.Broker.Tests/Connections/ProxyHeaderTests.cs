using System.Net;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;

namespace Antiphon.Broker.Tests.Connections;

public sealed class ProxyHeaderTests
{
    private const string Signature = "0D0A0D0A000D0A515549540A";
    private const string FromIPv4 = Signature + "21 11 000C C0000207 7F000001 D431 075B";
    private const string FromIPv6 =
        Signature + "21 21 0024 20010DB8000000000000000000000007 00000000000000000000000000000001 D431 075B";

    private readonly HandTurnedBroker _broker = new();

    public static TheoryData<string, string?> Headers => new()
    {
        { FromIPv4, "192.0.2.7:54321" },
        { FromIPv6, "[2001:db8::7]:54321" },

        // With what proxies add behind the addresses.
        { Signature + "21 11 0011 C0000207 7F000001 D431 075B 04 0002 AABB", "192.0.2.7:54321" },

        // UDP, which a proxy may say of what it took in that way.
        { Signature + "21 12 000C C0000207 7F000001 D431 075B", "192.0.2.7:54321" },

        // The proxy itself, looking whether the broker is well; whatever it adds is skipped.
        { Signature + "20 00 0000", null },
        { Signature + "20 11 000C C0000207 7F000001 D431 075B", null },
        { Signature + "20 00 0003 04 0000", null },

        // A client without an IP address.
        { Signature + "21 00 0000", null },
        { Signature + "21 31 00D8" + new string('0', 432), null },
    };

    public static TheoryData<string> Flaws => new()
    {
        // CONNECT instead of a header; version 1 of the protocol; a signature with one byte that is another.
        "10 0D 0004 4D515454 05 02 003C 00 0000",
        "50524F585920544350342031",
        "0D0A0D0A000D0A515549540B",

        // Version 3; an unknown command; unknown families and protocols; addresses that do not fit; longer than any header.
        Signature + "31 11 000C",
        Signature + "22 11 000C",
        Signature + "21 41 000C",
        Signature + "21 13 000C",
        Signature + "21 11 000B",
        Signature + "21 21 000C",
        Signature + "21 31 0024",
        Signature + "21 11 FFFF",
        Signature + "20 00 0FF1",
    };

    [Theory]
    [MemberData(nameof(Headers))]
    public void A_header_says_the_client_s_address_in_whatever_pieces_it_comes(string hex, string? source)
    {
        byte[] bytes = [.. Bytes(hex), .. TestLink.Bytes(new ConnectPacket { ClientId = "a" })];
        for (var cut = 0; cut <= bytes.Length; cut++)
        {
            var link = _broker.Open(isProxied: true);
            link.Send(bytes.AsSpan(0, cut));
            link.Send(bytes.AsSpan(cut));

            Assert.Equal(ReasonCode.Success, link.Next<ConnAckPacket>().ReasonCode);
            Assert.Equal(source is null ? null : IPEndPoint.Parse(source), link.Connection.Origin.RemoteEndPoint);
            link.Send(new DisconnectPacket());
        }
    }

    [Theory]
    [MemberData(nameof(Flaws))]
    public void What_is_no_header_is_closed_without_a_word(string hex)
    {
        var link = _broker.Open(isProxied: true);

        link.Send(Bytes(hex));

        link.ExpectClosed();
        Assert.Equal(1, _broker.Counters.Refusals);
    }

    [Fact]
    public void The_longest_header_is_accepted()
    {
        var link = _broker.Open(isProxied: true);

        link.Send([.. Bytes(Signature + "20 00 0FF0"), .. new byte[4080], .. TestLink.Bytes(new ConnectPacket { ClientId = "a" })]);

        Assert.Equal(ReasonCode.Success, link.Next<ConnAckPacket>().ReasonCode);
    }

    [Fact]
    public void Half_a_header_is_waited_for_as_long_as_for_CONNECT()
    {
        var link = _broker.Open(isProxied: true);
        link.Send(Bytes(Signature));

        _broker.TurnSeconds(9);
        Assert.False(link.Aborted);
        _broker.TurnSeconds(2);

        Assert.True(link.Aborted);
        Assert.Contains("PROXY", link.Connection.CloseReason.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Where_no_proxy_is_expected_a_header_is_no_CONNECT()
    {
        var link = _broker.Open();

        link.Send(Bytes(FromIPv4));

        link.ExpectClosed();
    }

    private static byte[] Bytes(string hex) => Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal));
}
