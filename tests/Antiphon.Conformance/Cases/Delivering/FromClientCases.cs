using Antiphon.Conformance.Brokers;
using static Antiphon.Conformance.Cases.Case;

namespace Antiphon.Conformance.Cases.Delivering;

/// <summary>MQTT 5 §3.3.4, §4.3, §3.4 to §3.7; MQTT 3.1.1 §4.3: what the server answers to a PUBLISH.</summary>
public sealed class FromClientCases(BrokerUnderTest broker)
{
    private static readonly CaseTable Table =
    [
        Both(
            "QoS 0 is answered by nothing and delivered",
            "MQTT-3.3.4-1 MQTT-4.3.1-1 MQTT-2.2.1-2 MQTT-3.3.1-2 MQTT311-4.3.1-1 MQTT311-2.3.1-5 MQTT311-3.3.1-2 MQTT311-3.3.4-1",
            """
            a connects
            a subscribes "~/t" 02
            p connects
            p > 30[ "~/t" () 'x' ]
            a < 30[ "~/t" () 'x' ]
            p quiet
            """),
        Both(
            "QoS 1 is answered by PUBACK with the same identifier",
            "MQTT-3.3.4-1 MQTT-4.3.2-4 MQTT-2.2.1-5 MQTT-3.4.2-1 MQTT311-4.3.2-2 MQTT311-2.3.1-6 MQTT311-3.3.4-1",
            """
            p connects
            p > 32[ "~/t" ABCD () 'x' ]
            p < 40[ ABCD ok ]
            p > 32[ "~/t" FFFF () 'x' ]
            p < 40[ FFFF ok ]
            p > 32[ "~/t" 0001 () 'x' ]
            p < 40[ 0001 ok ]
            """, Need.QoS1),
        Both(
            "After PUBACK the same identifier means a new message, whatever DUP says",
            "MQTT-4.3.2-5 MQTT-3.3.1-3 MQTT311-4.3.2-2 MQTT311-3.3.1-3",
            """
            a connects
            a subscribes "~/t" 01
            p connects
            p > 32[ "~/t" 0001 () 'x' ]
            p < 40[ 0001 ok ]
            p > 3A[ "~/t" 0001 () 'y' ]
            p < 40[ 0001 ok ]
            a < 32[ "~/t" <+x> () 'x' ]
            a < 32[ "~/t" <+y> () 'y' ]
            """, Need.QoS1),
        Both(
            "DUP does not pass: what is sent for the first time has DUP 0",
            "MQTT-3.3.1-3 MQTT-3.3.1-2 MQTT-4.3.2-2 MQTT311-3.3.1-3 MQTT311-3.3.1-2 MQTT311-4.3.2-1",
            """
            a connects
            a subscribes "~/t" 01
            b connects
            b subscribes "~/t" 00
            p connects
            p > 3A[ "~/t" 0001 () 'x' ]
            p < 40[ 0001 ok ]
            a < 32[ "~/t" <id> () 'x' ]
            b < 30[ "~/t" () 'x' ]
            """, Need.QoS1),
        Both(
            "QoS 2 is answered by PUBREC, PUBREL by PUBCOMP, with the same identifier, and delivered once",
            "MQTT-3.3.4-1 MQTT-4.3.3-8 MQTT-4.3.3-11 MQTT-2.2.1-5 MQTT-3.5.2-1 MQTT-3.7.2-1 MQTT311-4.3.3-2 MQTT311-2.3.1-6 "
            + "MQTT311-3.3.4-1",
            """
            a connects
            a subscribes "~/t" 00
            p connects
            p > 34[ "~/t" ABCD () 'x' ]
            p < 50[ ABCD ok ]
            p > 62[ ABCD ]
            p < 70[ ABCD ok ]
            a < 30[ "~/t" () 'x' ]
            a quiet
            """, Need.QoS2),
        Both("Until PUBREL the same QoS 2 PUBLISH gets PUBREC again and is not passed on again", "MQTT-4.3.3-10 MQTT311-4.3.3-2", """
            a connects
            a subscribes "~/t" 00
            p connects
            p > 34[ "~/t" 0001 () 'x' ]
            p < 50[ 0001 ok ]
            p > 3C[ "~/t" 0001 () 'x' ]
            p < 50[ 0001 ok ]
            p > 62[ 0001 ]
            p < 70[ 0001 ok ]
            a < 30[ "~/t" () 'x' ]
            a quiet
            """, Need.QoS2),
        Both(
            "A QoS 2 PUBLISH sent again over a new connection is not passed on again",
            "MQTT-4.3.3-10 MQTT-3.1.2-23 MQTT-3.1.2-5 MQTT311-4.3.3-2 MQTT311-3.1.2-4",
            """
            a connects
            a subscribes "~/t" 00
            p > 10[ "MQTT" VV 00 0000 (11 0000003C) "~p" ]
            p < 20[ 00 00 (*) ]
            p > 34[ "~/t" 0001 () 'x' ]
            p < 50[ 0001 ok ]
            p cut
            q > 10[ "MQTT" VV 00 0000 (11 0000003C) "~p" ]
            q < 20[ 01 00 (*) ]
            q > 3C[ "~/t" 0001 () 'x' ]
            q < 50[ 0001 ok ]
            q > 62[ 0001 ]
            q < 70[ 0001 ok ]
            a < 30[ "~/t" () 'x' ]
            a quiet
            """, Need.QoS2),
        Both("PUBREL sent again is answered by PUBCOMP again", "MQTT-4.3.3-11 MQTT311-4.3.3-2", """
            p connects
            p > 34[ "~/t" 0001 () 'x' ]
            p < 50[ 0001 ok ]
            p > 62[ 0001 ]
            p < 70[ 0001 ok ]
            p > 62[ 0001 ]
            p < 70[ 0001 ok ] or 70[ 0001 v5{ 92 } ] or 70[ 0001 v5{ 92 (*) } ]
            """, Need.QoS2),
        Both("After PUBCOMP the same identifier means a new message", "MQTT-4.3.3-12 MQTT311-4.3.3-2", """
            a connects
            a subscribes "~/t" 00
            p connects
            p > 34[ "~/t" 0001 () 'x' ]
            p < 50[ 0001 ok ]
            p > 62[ 0001 ]
            p < 70[ 0001 ok ]
            p > 34[ "~/t" 0001 () 'y' ]
            p < 50[ 0001 ok ]
            p > 62[ 0001 ]
            p < 70[ 0001 ok ]
            a < 30[ "~/t" () 'x' ]
            a < 30[ "~/t" () 'y' ]
            """, Need.QoS2),
        Both("PUBREL of an identifier that is not in use is answered, and nothing is delivered", "MQTT-3.7.2-1 MQTT311-4.3.3-2", """
            p connects
            p > 62[ 1234 ]
            p < 70[ 1234 ok ] or 70[ 1234 v5{ 92 } ] or 70[ 1234 v5{ 92 (*) } ]
            p quiet
            """, Need.QoS2),
        V5("The QoS 2 handshake goes on when the message has expired", "MQTT-4.3.3-13", """
            p connects
            p > 34[ "~/t" 0001 (02 00000001) 'x' ]
            p < 50[ 0001 ok ]
            pause 2200
            p > 62[ 0001 ]
            p < 70[ 0001 ok ]
            p quiet
            """, Need.QoS2),
        Both("QoS 1 and QoS 2 messages are acknowledged while nobody subscribes, too", "MQTT-3.3.4-1 MQTT311-3.3.4-1", """
            p connects
            p > 32[ "~/t" 0001 () 'x' ] 34[ "~/t" 0002 () 'y' ]
            p < 40[ 0001 ok ] & 50[ 0002 ok ]
            p > 62[ 0002 ]
            p < 70[ 0002 ok ]
            """, Need.QoS2),
        Both(
            "A message that is not allowed goes to nobody, and is acknowledged or ends the connection",
            "MQTT-3.3.4-1 MQTT-3.4.2-1 MQTT311-3.3.5-2",
            """
            s connects
            s subscribes "$SYS/~" 00
            p connects
            p > 32[ "$SYS/~" 0001 () 'x' ]
            p < 40[ 0001 ] or 40[ 0001 v5{ 00|10|87 } ] or 40[ 0001 v5{ 00|10|87 (*) } ] or E0[ 87 * ] or closed
            s quiet
            """, Need.QoS1, Need.RefusesSystemTopics),
        V5("After a PUBREC of 80 or above the same identifier means a new message", "MQTT-4.3.3-9 MQTT-3.5.2-1", """
            s connects
            s subscribes "~/t" 00
            p connects
            p > 34[ "$SYS/~" 0001 () 'x' ]
            p < 50[ 0001 87 ] or 50[ 0001 87 (*) ]
            p > 34[ "~/t" 0001 () 'y' ]
            p < 50[ 0001 ok ]
            p > 62[ 0001 ]
            p < 70[ 0001 ok ]
            s < 30[ "~/t" () 'y' ]
            s quiet
            """, Need.QoS2, Need.RefusesSystemTopics),
        Both("A PUBLISH with both QoS bits ends the connection", "MQTT-3.3.1-4 MQTT-4.13.1-1 MQTT311-3.3.1-4 MQTT311-4.8.0-1", """
            p connects
            p > 36[ "~/t" 0001 () 'x' ]
            p ends 81
            """),
        Both("A QoS 1 PUBLISH with identifier 0 ends the connection", "MQTT-4.13.1-1 MQTT311-2.3.1-1", """
            p connects
            p > 32[ "~/t" 0000 () 'x' ]
            p ends 81|82
            """, Need.QoS1),
        Both(
            "PUBREL with header flags other than 2 ends the connection",
            "MQTT-3.6.1-1 MQTT-2.1.3-1 MQTT-4.13.1-1 MQTT311-3.6.1-1 MQTT311-2.2.2-1 MQTT311-2.2.2-2",
            """
            p connects
            p > 34[ "~/t" 0001 () 'x' ]
            p < 50[ 0001 ok ]
            p > 60[ 0001 ]
            p ends 81
            """, Need.QoS2),
        Both("PUBACK with header flags other than 0 ends the connection", "MQTT-2.1.3-1 MQTT311-2.2.2-1 MQTT311-2.2.2-2", """
            p connects
            p > 41[ 0001 ]
            p ends 81
            """),
        V5("More unfinished QoS 2 messages than the server's Receive Maximum end the connection", "MQTT-3.3.4-7 MQTT-4.13.1-1", """
            p connects
            p > { 34[ "~/t" ## () 'x' ] }*@21+1
            p <* 50[ .. .. ok ]
            p ends 93
            """, Need.QoS2, Need.LimitedReceiveMaximum),
        V5("As many unfinished QoS 2 messages as the server's Receive Maximum are taken", "MQTT-4.9.0-1", """
            p connects
            p > { 34[ "~/t" ## () 'x' ] }*@21 C0 00
            p <* 50[ .. .. ok ]
            p < D0 00
            """, Need.QoS2, Need.LimitedReceiveMaximum),
        V5(
            "Reason String and User Properties stay off what would get larger than the Maximum Packet Size",
            "MQTT-3.4.2-2 MQTT-3.4.2-3 MQTT-3.9.2-1 MQTT-3.9.2-2 MQTT-3.11.2-1 MQTT-3.11.2-2",
            """
            p connects (27 00000020)
            p takes 32
            p > 32[ "~/t" 0001 (08 "a") 'x' ]
            p < 40[ 0001 ok ]
            p > 32[ "~/t" 0002 () 'x' ]
            p < 40[ 0002 ok ]
            p > 82[ 0003 () "~/t" 00 ]
            p < 90[ 0003 (*) 00 ]
            p > A2[ 0004 () "~/u" ]
            p < B0[ 0004 (*) 11 ]
            """, Need.QoS1),
        V5(
            "Reason String and User Properties stay off QoS 2 acknowledgements that would get too large",
            "MQTT-3.5.2-2 MQTT-3.5.2-3 MQTT-3.6.2-2 MQTT-3.6.2-3 MQTT-3.7.2-2 MQTT-3.7.2-3",
            """
            p connects (27 00000020)
            p takes 32
            p > 34[ "~/t" 0001 () 'x' ]
            p < 50[ 0001 ok ]
            p > 62[ 0001 ]
            p < 70[ 0001 ok ]
            p > 62[ 0002 ]
            p < 70[ 0002 00|92 ] or 70[ 0002 00|92 (*) ] or 70[ 0002 ]
            p > 50[ 0003 ]
            p < 62[ 0003 00|92 ] or 62[ 0003 00|92 (*) ] or 62[ 0003 ]
            """, Need.QoS2),
    ];

    public static IEnumerable<TheoryDataRow<string>> Rows => Table.Rows;

    [Theory]
    [MemberData(nameof(Rows))]
    public Task From_client(string row) => Table.RunAsync(row, broker);
}
