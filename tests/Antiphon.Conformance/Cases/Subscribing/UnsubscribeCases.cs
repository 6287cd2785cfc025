using Antiphon.Conformance.Brokers;
using static Antiphon.Conformance.Cases.Case;

namespace Antiphon.Conformance.Cases.Subscribing;

/// <summary>MQTT 5 §3.10, §3.11; MQTT 3.1.1 §3.10, §3.11: unsubscribing.</summary>
public sealed class UnsubscribeCases(BrokerUnderTest broker)
{
    private static readonly CaseTable Table =
    [
        Both(
            "UNSUBSCRIBE is answered by UNSUBACK with its identifier, and nothing more comes",
            "MQTT-3.10.4-1 MQTT-3.10.4-2 MQTT-3.10.4-4 MQTT-3.10.4-5 MQTT-2.2.1-6 MQTT-3.11.3-2 MQTT311-3.10.4-1 MQTT311-3.10.4-2 "
            + "MQTT311-3.10.4-4 MQTT311-2.3.1-7",
            """
            a connects
            a subscribes "~/t" 00
            a > A2[ FFFF () "~/t" ]
            a < B0[ FFFF (*) v5{ 00 } ]
            p connects
            p > 30[ "~/t" () 'x' ]
            p quiet
            a quiet
            """),
        Both("UNSUBSCRIBE of what is not there is answered, too", "MQTT-3.10.4-5 MQTT-3.11.3-2 MQTT311-3.10.4-5", """
            a connects
            a > A2[ 0001 () "~/t" ]
            a < B0[ 0001 (*) v5{ 11 } ]
            """),
        Both("Filters are compared character by character", "MQTT-3.10.4-1 MQTT311-3.10.4-1", """
            a connects
            a subscribes "~/t" 00
            a > A2[ 0001 () "~/T" "~/+" "~/#" "~/t/" ]
            a < B0[ 0001 (*) v5{ 11 11 11 11 } ]
            p connects
            p > 30[ "~/t" () 'x' ]
            a < 30[ "~/t" () 'x' ]
            """, Need.Wildcards),
        Both(
            "Several filters in one UNSUBSCRIBE work as single ones, with their codes in order",
            "MQTT-3.10.4-6 MQTT-3.11.3-1 MQTT-3.11.3-2 MQTT311-3.10.4-6",
            """
            a connects
            a > 82[ 0001 () "~/a" 00 "~/b" 00 "~/c/+" 00 ]
            a < 90[ 0001 (*) 00 00 00 ]
            a > A2[ 0002 () "~/a" "~/none" "~/c/+" ]
            a < B0[ 0002 (*) v5{ 00 11 00 } ]
            p connects
            p > 30[ "~/a" () '1' ] 30[ "~/c/x" () '2' ] 30[ "~/b" () '3' ]
            a < 30[ "~/b" () '3' ]
            a quiet
            """, Need.Wildcards),
        Both("A QoS 2 delivery that has begun is finished after UNSUBSCRIBE", "MQTT-3.10.4-3 MQTT311-3.10.4-3", """
            a connects
            a subscribes "~/t" 02
            p connects
            p > 34[ "~/t" 0001 () 'x' ]
            p < 50[ 0001 ok ]
            p > 62[ 0001 ]
            p < 70[ 0001 ok ]
            a < 34[ "~/t" <id> () 'x' ]
            a > A2[ 0001 () "~/t" ]
            a < B0[ 0001 (*) v5{ 00 } ]
            a > 50[ <id> ]
            a < 62[ <id> ok ]
            a > 70[ <id> ]
            a quiet
            """, Need.QoS2),
        Both(
            "A QoS 1 delivery that has begun is finished after UNSUBSCRIBE, over a new connection, too",
            "MQTT-3.10.4-3 MQTT311-3.10.4-3",
            """
            a > 10[ "MQTT" VV 00 0000 (11 0000003C) "~a" ]
            a < 20[ 00 00 (*) ]
            a subscribes "~/t" 01
            p connects
            p > 32[ "~/t" 0001 () 'x' ]
            p < 40[ 0001 ok ]
            a < 32[ "~/t" <id> () 'x' ]
            a > A2[ 0001 () "~/t" ]
            a < B0[ 0001 (*) v5{ 00 } ]
            a cut
            b > 10[ "MQTT" VV 00 0000 (11 0000003C) "~a" ]
            b < 20[ 01 00 (*) ]
            b < 3A[ "~/t" <id> () 'x' ]
            b > 40[ <id> ]
            b quiet
            """, Need.QoS1),
        Both(
            "UNSUBSCRIBE with header flags other than 2 ends the connection",
            "MQTT-3.10.1-1 MQTT-2.1.3-1 MQTT-4.13.1-1 MQTT311-3.10.1-1 MQTT311-2.2.2-1 MQTT311-2.2.2-2",
            """
            a connects
            a > A0[ 0001 () "~/t" ]
            a ends 81
            """),
        Both(
            "A filter in UNSUBSCRIBE that is not UTF-8 ends the connection",
            "MQTT-3.10.3-1 MQTT-1.5.4-1 MQTT311-3.10.3-1 MQTT311-1.5.3-1",
            """
            a connects
            a > A2[ 0001 () s{ '~/' FF } ]
            a ends 81|8F
            """),
        Both("A filter of no characters cannot be given up", "MQTT-4.7.3-1 MQTT311-4.7.3-1", """
            a connects
            a > A2[ 0001 () "" ]
            a < B0[ 0001 (*) 80+ ] or E0[ 81|82|8F * ] or closed
            """),
        Both("A filter with a wildcard that is not a level of its own cannot be given up", "MQTT-4.7.1-1 MQTT311-4.7.1-2", """
            a connects
            a > A2[ 0001 () "~/a#" ]
            a < B0[ 0001 (*) 80+ ] or E0[ 81|82|8F * ] or closed
            """),
        Both("An UNSUBSCRIBE without a filter ends the connection", "MQTT-3.10.3-2 MQTT-4.13.1-1 MQTT311-3.10.3-2 MQTT311-4.8.0-1", """
            a connects
            a > A2[ 0001 () ]
            a ends 82|81
            """),
        Both("An UNSUBSCRIBE with identifier 0 ends the connection", "MQTT-4.13.1-1 MQTT311-2.3.1-1", """
            a connects
            a > A2[ 0000 () "~/t" ]
            a ends 81|82
            """),
    ];

    public static IEnumerable<TheoryDataRow<string>> Rows => Table.Rows;

    [Theory]
    [MemberData(nameof(Rows))]
    public Task Unsubscribe(string row) => Table.RunAsync(row, broker);
}
