using Antiphon.Conformance.Brokers;
using static Antiphon.Conformance.Cases.Case;

namespace Antiphon.Conformance.Cases.Delivering;

/// <summary>MQTT 5 §4.3, §4.4, §3.6; MQTT 3.1.1 §4.3, §4.4: how the server delivers, and what it sends again.</summary>
public sealed class ToClientCases(BrokerUnderTest broker)
{
    private static readonly CaseTable Table =
    [
        Both(
            "QoS 1 is delivered with an identifier that is not in use, DUP 0, once",
            "MQTT-4.3.2-1 MQTT-4.3.2-2 MQTT-2.2.1-4 MQTT-4.4.0-1 MQTT311-4.3.2-1 MQTT311-2.3.1-4 MQTT311-4.4.0-1",
            """
            a connects
            a subscribes "~/t" 01
            p connects
            p > 32[ "~/t" 0001 () 'x' ] 32[ "~/t" 0002 () 'y' ] 32[ "~/t" 0003 () 'z' ]
            p < 40[ 0001 ok ] & 40[ 0002 ok ] & 40[ 0003 ok ]
            a < 32[ "~/t" <+x> () 'x' ]
            a < 32[ "~/t" <+y> () 'y' ]
            a < 32[ "~/t" <+z> () 'z' ]
            a > 40[ <y> ] 40[ <x> ] 40[ <z> ]
            a quiet
            """, Need.QoS1),
        Both(
            "QoS 1 that was not acknowledged is sent again with its identifier and DUP 1 when the Session goes on",
            "MQTT-4.4.0-1 MQTT-3.3.1-1 MQTT-4.3.2-3 MQTT-4.1.0-1 MQTT-3.1.2-5 MQTT311-4.4.0-1 MQTT311-3.3.1-1 MQTT311-4.3.2-1 "
            + "MQTT311-2.3.1-3",
            """
            a > 10[ "MQTT" VV 00 0000 (11 0000003C) "~a" ]
            a < 20[ 00 00 (*) ]
            a subscribes "~/t" 01
            p connects
            p > 32[ "~/t" 0001 () 'x' ] 32[ "~/t" 0002 () 'y' ]
            p < 40[ 0001 ok ] & 40[ 0002 ok ]
            a < 32[ "~/t" <+x> () 'x' ]
            a < 32[ "~/t" <+y> () 'y' ]
            a > 40[ <x> ]
            a quiet
            a cut
            b > 10[ "MQTT" VV 00 0000 (11 0000003C) "~a" ]
            b < 20[ 01 00 (*) ]
            b < 3A[ "~/t" <y> () 'y' ]
            b quiet
            b > 40[ <y> ]
            b quiet
            b cut
            c > 10[ "MQTT" VV 00 0000 (11 0000003C) "~a" ]
            c < 20[ 01 00 (*) ]
            c quiet
            """, Need.QoS1),
        Both("What is not acknowledged is not sent again over the same connection", "MQTT-4.4.0-1", """
            a connects
            a subscribes "~/t" 02
            p connects
            p > 32[ "~/t" 0001 () 'x' ] 34[ "~/t" 0002 () 'y' ]
            p < 40[ 0001 ok ] & 50[ 0002 ok ]
            p > 62[ 0002 ]
            p < 70[ 0002 ok ]
            a < 32[ "~/t" <+x> () 'x' ]
            a < 34[ "~/t" <+y> () 'y' ]
            pause 1500
            a quiet
            """, Need.QoS2),
        V5("A PUBACK of 80 or above ends the delivery", "MQTT-4.4.0-2", """
            a connects (11 0000003C)
            a subscribes "~/t" 01
            p connects
            p > 32[ "~/t" 0001 () 'x' ]
            p < 40[ 0001 ok ]
            a < 32[ "~/t" <id> () 'x' ]
            a > 40[ <id> 80 ]
            a quiet
            a cut
            b > 10[ "MQTT" 05 00 0000 (11 0000003C) "~a" ]
            b < 20[ 01 00 (*) ]
            b quiet
            """, Need.QoS1),
        V5("A PUBREC of 80 or above ends the delivery", "MQTT-4.4.0-2", """
            a connects (11 0000003C)
            a subscribes "~/t" 02
            p connects
            p > 34[ "~/t" 0001 () 'x' ]
            p < 50[ 0001 ok ]
            p > 62[ 0001 ]
            p < 70[ 0001 ok ]
            a < 34[ "~/t" <id> () 'x' ]
            a > 50[ <id> 80 ]
            a quiet
            a cut
            b > 10[ "MQTT" 05 00 0000 (11 0000003C) "~a" ]
            b < 20[ 01 00 (*) ]
            b quiet
            """, Need.QoS2),
        Both(
            "QoS 2 is delivered by PUBLISH, PUBREC, PUBREL and PUBCOMP",
            "MQTT-4.3.3-1 MQTT-4.3.3-2 MQTT-4.3.3-4 MQTT-2.2.1-4 MQTT-2.2.1-5 MQTT-3.6.2-1 MQTT311-4.3.3-1 MQTT311-2.3.1-4 MQTT311-2.3.1-6",
            """
            a connects
            a subscribes "~/t" 02
            p connects
            p > 34[ "~/t" 0001 () 'x' ]
            p < 50[ 0001 ok ]
            p > 62[ 0001 ]
            p < 70[ 0001 ok ]
            a < 34[ "~/t" <id> () 'x' ]
            a quiet
            a > 50[ <id> ]
            a < 62[ <id> ok ]
            a > 70[ <id> ]
            a quiet
            """, Need.QoS2),
        Both(
            "QoS 2 before PUBREC is sent again with DUP 1 when the Session goes on",
            "MQTT-4.4.0-1 MQTT-3.3.1-1 MQTT-4.3.3-3 MQTT311-4.4.0-1 MQTT311-3.3.1-1 MQTT311-4.3.3-1 MQTT311-2.3.1-3",
            """
            a > 10[ "MQTT" VV 00 0000 (11 0000003C) "~a" ]
            a < 20[ 00 00 (*) ]
            a subscribes "~/t" 02
            p connects
            p > 34[ "~/t" 0001 () 'x' ]
            p < 50[ 0001 ok ]
            p > 62[ 0001 ]
            p < 70[ 0001 ok ]
            a < 34[ "~/t" <id> () 'x' ]
            a cut
            b > 10[ "MQTT" VV 00 0000 (11 0000003C) "~a" ]
            b < 20[ 01 00 (*) ]
            b < 3C[ "~/t" <id> () 'x' ]
            b > 50[ <id> ]
            b < 62[ <id> ok ]
            b > 70[ <id> ]
            b quiet
            """, Need.QoS2),
        Both(
            "QoS 2 after PUBREL is not published again; PUBREL is sent again when the Session goes on",
            "MQTT-4.4.0-1 MQTT-4.3.3-5 MQTT-4.3.3-6 MQTT311-4.4.0-1 MQTT311-4.3.3-1",
            """
            a > 10[ "MQTT" VV 00 0000 (11 0000003C) "~a" ]
            a < 20[ 00 00 (*) ]
            a subscribes "~/t" 02
            p connects
            p > 34[ "~/t" 0001 () 'x' ]
            p < 50[ 0001 ok ]
            p > 62[ 0001 ]
            p < 70[ 0001 ok ]
            a < 34[ "~/t" <id> () 'x' ]
            a > 50[ <id> ]
            a < 62[ <id> ok ]
            a cut
            b > 10[ "MQTT" VV 00 0000 (11 0000003C) "~a" ]
            b < 20[ 01 00 (*) ]
            b < 62[ <id> ok ]
            b > 70[ <id> ]
            b quiet
            b cut
            c > 10[ "MQTT" VV 00 0000 (11 0000003C) "~a" ]
            c < 20[ 01 00 (*) ]
            c quiet
            """, Need.QoS2),
        V5("A QoS 2 delivery that has begun does not expire", "MQTT-4.3.3-7 MQTT-4.3.3-13", """
            a connects (11 0000003C)
            a subscribes "~/t" 02
            p connects
            p > 34[ "~/t" 0001 (02 0000000A) 'x' ]
            p < 50[ 0001 ok ]
            p > 62[ 0001 ]
            p < 70[ 0001 ok ]
            a < 34[ "~/t" <id> (02 #1-10) 'x' ]
            pause 11500
            a > 50[ <id> ]
            a < 62[ <id> ok ]
            a > 70[ <id> ]
            a quiet
            """, Need.QoS2),
        Both("PUBREC of an identifier that is not in use is answered by PUBREL", "MQTT-3.6.2-1", """
            a connects
            a > 50[ 1234 ]
            a < 62[ 1234 ok ] or 62[ 1234 v5{ 92 } ] or 62[ 1234 v5{ 92 (*) } ]
            a quiet
            """, Need.QoS2),
        Both("An identifier is free again after its acknowledgement", "MQTT-2.2.1-4 MQTT-4.3.2-1 MQTT311-2.3.1-4", """
            a connects
            a subscribes "~/t" 01
            p connects
            p > 32[ "~/t" 0001 () 'x' ]
            p < 40[ 0001 ok ]
            a < 32[ "~/t" <x> () 'x' ]
            a > 40[ <x> ]
            p > 32[ "~/t" 0001 () 'y' ]
            p < 40[ 0001 ok ]
            a < 32[ "~/t" <y> () 'y' ]
            a > 40[ <y> ]
            a quiet
            """, Need.QoS1),
    ];

    public static IEnumerable<TheoryDataRow<string>> Rows => Table.Rows;

    [Theory]
    [MemberData(nameof(Rows))]
    public Task To_client(string row) => Table.RunAsync(row, broker);
}
