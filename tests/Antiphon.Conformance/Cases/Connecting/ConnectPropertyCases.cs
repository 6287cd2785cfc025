using Antiphon.Conformance.Brokers;
using static Antiphon.Conformance.Cases.Case;

namespace Antiphon.Conformance.Cases.Connecting;

/// <summary>MQTT 5 §3.1.2.11, §3.2.2.3: what a client asks for in CONNECT, and what the server tells in CONNACK.</summary>
public sealed class ConnectPropertyCases(BrokerUnderTest broker)
{
    private static readonly CaseTable Table =
    [
        V5(
            "No packet is larger than the client's Maximum Packet Size; a larger message counts as delivered",
            "MQTT-3.1.2-24 MQTT-3.1.2-25",
            """
            a connects (27 00000040, 21 0001)
            a takes 64
            a subscribes "~/t" 01
            p connects
            p > 32[ "~/t" 0001 () 78*100 ]
            p < 40[ 0001 ok ]
            p > 32[ "~/t" 0002 () 'small' ]
            p < 40[ 0002 ok ]
            a < 32[ "~/t" <id> () 'small' ]
            a > 40[ <id> ]
            a quiet
            """, Need.QoS1),
        V5("A message too large for one client reaches the others", "MQTT-3.1.2-25", """
            a connects (27 00000040)
            a takes 64
            a subscribes "~/t" 00
            b connects
            b subscribes "~/t" 00
            p connects
            p > 30[ "~/t" () 78*100 ]
            b < 30[ "~/t" () 78*100 ]
            p > 30[ "~/t" () 'small' ]
            a < 30[ "~/t" () 'small' ]
            """),
        V5("The Maximum Packet Size counts the whole packet, to the byte", "MQTT-3.1.2-24 MQTT-3.1.2-25", """
            a connects (27 00000040)
            a takes 64
            a subscribes "~/t" 00
            p connects
            p > 30[ "~/t" () 78*45 ]
            a < 30[ "~/t" () 78*45 ]
            p > 30[ "~/t" () 78*46 ]
            p > 30[ "~/t" () 'end' ]
            a < 30[ "~/t" () 'end' ]
            """),
        V5("A message too large is dropped from a Session's queue, too", "MQTT-3.1.2-25", """
            a connects (11 0000003C, 27 00000040)
            a takes 64
            a subscribes "~/t" 01
            a > E0 00
            a closed
            p connects
            p > 32[ "~/t" 0001 () 78*100 ]
            p < 40[ 0001 ok ]
            p > 32[ "~/t" 0002 () 'small' ]
            p < 40[ 0002 ok ]
            b > 10[ "MQTT" 05 00 0000 (11 0000003C, 27 00000040) "~a" ]
            b takes 64
            b < 20[ 01 00 (*) ]
            b < 32[ "~/t" <id> () 'small' ]
            b > 40[ <id> ]
            b quiet
            """, Need.QoS1),
        V5("A client that gave no Topic Alias Maximum is sent no aliases", "MQTT-3.1.2-27 MQTT-3.3.2-8", """
            a connects
            a subscribes "~/t" 00
            p connects
            p > 30[ "~/t" () 'x' ] 30[ "~/t" () 'y' ]
            a < 30[ "~/t" () 'x' ]
            a < 30[ "~/t" () 'y' ]
            """),
        V5("A client that gave a Topic Alias Maximum of 0 is sent no aliases", "MQTT-3.1.2-27 MQTT-3.3.2-8", """
            a connects (22 0000)
            a subscribes "~/t" 00
            p connects
            p > 30[ "~/t" () 'x' ] 30[ "~/t" () 'y' ]
            a < 30[ "~/t" () 'x' ]
            a < 30[ "~/t" () 'y' ]
            """),
        V5("Aliases to a client stay within its Topic Alias Maximum", "MQTT-3.1.2-26 MQTT-3.3.2-11 MQTT-3.3.2-8", """
            a connects (22 0001)
            a subscribes "~/+" 00
            p connects
            p > 30[ "~/t" () 'x' ] 30[ "~/t" () 'y' ] 30[ "~/u" () 'z' ]
            a < 30[ "~/t" (23 0001) 'x' ] or 30[ "~/t" () 'x' ]
            a < 30[ "" (23 0001) 'y' ] or 30[ "~/t" (23 0001) 'y' ] or 30[ "~/t" () 'y' ]
            a < 30[ "~/u" (23 0001) 'z' ] or 30[ "~/u" () 'z' ]
            """),
        V5("Who does not ask for Response Information is told none", "MQTT-3.1.2-28", """
            a > 10[ "MQTT" 05 02 0000 () "~a" ]
            a < 20[ 00 00 (* !1A) ]
            b > 10[ "MQTT" 05 02 0000 (19 00) "~b" ]
            b < 20[ 00 00 (* !1A) ]
            """),
        V5("Who asks for Response Information is told it", "MQTT-3.1.2-28", """
            a > 10[ "MQTT" 05 02 0000 (19 01) "~" ]
            a < 20[ 00 00 (1A str, *) ]
            """, Need.ResponseInformation),
        V5("With Request Problem Information 0 acknowledgements have neither Reason String nor User Property", "MQTT-3.1.2-29", """
            a connects (17 00)
            a > 82[ 0001 () "~/t" 00 ]
            a < 90[ 0001 (* !1F !26) 00 ]
            a > 82[ 0002 () "~/+/#/x" 00 ]
            a < 90[ 0002 (* !1F !26) 80+ ] or E0[ 81|82|8F ] or E0[ 81|82|8F (*) ]
            b connects (17 00)
            b > A2[ 0003 () "~/none" ]
            b < B0[ 0003 (* !1F !26) 11 ]
            b > 32[ "~/nobody" 0004 () 'x' ]
            b < 40[ 0004 ] or 40[ 0004 00|10 ] or 40[ 0004 00|10 (* !1F !26) ]
            b > 32[ "~/nobody" 0005 (08 "~/answers") 'x' ]
            b < 40[ 0005 ] or 40[ 0005 .. ] or 40[ 0005 .. (* !1F !26) ]
            """, Need.QoS1),
        V5("With Request Problem Information 0 QoS 2 acknowledgements have neither Reason String nor User Property", "MQTT-3.1.2-29", """
            a connects (17 00)
            a > 34[ "~/nobody" 0001 () 'x' ]
            a < 50[ 0001 ] or 50[ 0001 00|10 ] or 50[ 0001 00|10 (* !1F !26) ]
            a > 62[ 0001 ]
            a < 70[ 0001 ] or 70[ 0001 00 ] or 70[ 0001 00 (* !1F !26) ]
            """, Need.QoS2),
        V5("User Properties of a message pass with Request Problem Information 0, too", "MQTT-3.1.2-29", """
            a connects (17 00)
            a subscribes "~/t" 00
            p connects
            p > 30[ "~/t" (26 "n" "v") 'x' ]
            a < 30[ "~/t" (26 "n" "v") 'x' ]
            """),
        V5("A CONNACK that refuses stays within the Maximum Packet Size", "MQTT-3.2.2-19 MQTT-3.2.2-20 MQTT-3.1.2-24", """
            a takes 5
            a > 10[ "MQTT" 05 02 0000 (15 "~none", 27 00000005) "~" ]
            a refused 8C|87 ()
            """),
        V5("A DISCONNECT stays within the Maximum Packet Size", "MQTT-3.14.2-3 MQTT-3.14.2-4 MQTT-3.1.2-24", """
            a connects (27 00000020)
            a takes 32
            a > 30[ "~/t" (23 0000) 'x' ]
            a ends
            """),
        V5("A server without QoS 2 says so, and ends a connection that uses it", "MQTT-3.2.2-9", """
            a > 10[ "MQTT" 05 02 0000 () "~" ]
            a < 20[ 00 00 (24 00|01, *) ]
            a > 34[ "~/t" 0001 () 'x' ]
            a ends 9B
            """, Need.LacksQoS2),
        V5("A server without QoS 2 takes subscriptions that ask for it", "MQTT-3.2.2-10", """
            a connects
            a > 82[ 0001 () "~/t" 02 ]
            a < 90[ 0001 (*) 00|01 ]
            """, Need.LacksQoS2),
        V5("A server without retained messages ends a connection that sends one", "MQTT-4.13.1-1", """
            a connects
            a > 31[ "~/t" () 'x' ]
            a ends 9A
            """, Need.LacksRetain),
        V5(
            "An authentication method that the server does not have is refused",
            "MQTT-4.12.0-1 MQTT-3.1.4-2 MQTT-3.2.2-7 MQTT-3.2.2-8 MQTT-4.13.2-1",
            """
            a > 10[ "MQTT" 05 02 0000 (15 "~none", 16 s{ 01 02 }) "~" ]
            a refused 8C|87
            """),
        V5("A client that named no method sees none, and no AUTH", "MQTT-4.12.0-6 MQTT-3.2.0-1", """
            a > 10[ "MQTT" 05 02 0000 () "~" ]
            a < 20[ 00 00 (* !15 !16) ]
            a quiet
            """),
    ];

    public static IEnumerable<TheoryDataRow<string>> Rows => Table.Rows;

    [Theory]
    [MemberData(nameof(Rows))]
    public Task Connect_properties(string row) => Table.RunAsync(row, broker);
}
