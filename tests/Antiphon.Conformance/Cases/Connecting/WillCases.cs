using Antiphon.Conformance.Brokers;
using static Antiphon.Conformance.Cases.Case;

namespace Antiphon.Conformance.Cases.Connecting;

/// <summary>MQTT 5 §3.1.2.5 to §3.1.2.7, §3.1.3.2; MQTT 3.1.1 §3.1.2.5 to §3.1.2.7: when a will goes out, and as what.</summary>
public sealed class WillCases(BrokerUnderTest broker)
{
    private static readonly CaseTable Table =
    [
        Both("A will goes out when the connection is lost", "MQTT-3.1.2-7 MQTT-3.1.2-8 MQTT-3.1.2-14 MQTT311-3.1.2-8 MQTT311-3.1.2-16", """
            s connects
            s subscribes "~/w" 00
            a > 10[ "MQTT" VV 06 0000 () "~a" () "~/w" "gone" ]
            a < 20[ 00 00 (*) ]
            s quiet
            a cut
            s < 30[ "~/w" () 'gone' ]
            """),
        Both("A will goes out when the server ends the connection for a protocol error", "MQTT-3.1.2-8 MQTT311-3.1.2-8", """
            s connects
            s subscribes "~/w" 00
            a > 10[ "MQTT" VV 06 0000 () "~a" () "~/w" "gone" ]
            a < 20[ 00 00 (*) ]
            a > 36[ "~/t" 0001 () 'x' ]
            a ends
            s < 30[ "~/w" () 'gone' ]
            """),
        Both("A will goes out when another connection takes its client identifier", "MQTT-3.1.2-8 MQTT311-3.1.2-8", """
            s connects
            s subscribes "~/w" 00
            a > 10[ "MQTT" VV 06 0000 () "~a" () "~/w" "gone" ]
            a < 20[ 00 00 (*) ]
            b > 10[ "MQTT" VV 02 0000 () "~a" ]
            b < 20[ 00 00 (*) ]
            s < 30[ "~/w" () 'gone' ]
            """),
        Both("A will goes out when the Keep Alive is over", "MQTT-3.1.2-8 MQTT-3.1.2-22 MQTT311-3.1.2-8 MQTT311-3.1.2-24", """
            s connects
            s subscribes "~/w" 00
            a > 10[ "MQTT" VV 06 0001 () "~a" () "~/w" "gone" ]
            a < 20[ 00 00 (*) ]
            s < 30[ "~/w" () 'gone' ]
            """),
        Both("DISCONNECT takes the will back", "MQTT-3.1.2-10 MQTT-3.14.4-3 MQTT311-3.1.2-10 MQTT311-3.14.4-3", """
            s connects
            s subscribes "~/w" 00
            a > 10[ "MQTT" VV 06 0000 () "~a" () "~/w" "gone" ]
            a < 20[ 00 00 (*) ]
            a > E0 00
            a closed
            s quiet
            """),
        Both("A will that went out does not go out again", "MQTT-3.1.2-10 MQTT311-3.1.2-10", """
            s connects
            s subscribes "~/w" 00
            a > 10[ "MQTT" VV 04 0000 (11 0000003C) "~a" () "~/w" "gone" ]
            a < 20[ 00 00 (*) ]
            a cut
            s < 30[ "~/w" () 'gone' ]
            b > 10[ "MQTT" VV 00 0000 (11 0000003C) "~a" ]
            b < 20[ 01 00 (*) ]
            b cut
            c > 10[ "MQTT" VV 02 0000 () "~a" ]
            c < 20[ 00 00 (*) ]
            c quiet
            s quiet
            """),
        Both("Who had no will leaves none", "MQTT-3.1.2-8 MQTT311-3.1.2-12", """
            s connects
            s subscribes "~/#" 00
            a connects
            a cut
            b > 10[ "MQTT" VV 02 0000 () "~a" ]
            b < 20[ 00 00 (*) ]
            b quiet
            s quiet
            """),
        V5("DISCONNECT with 04 sends the will", "MQTT-3.1.2-8 MQTT-3.1.2-10", """
            s connects
            s subscribes "~/w" 00
            a > 10[ "MQTT" 05 06 0000 () "~a" () "~/w" "gone" ]
            a < 20[ 00 00 (*) ]
            a > E0[ 04 ]
            a closed
            s < 30[ "~/w" () 'gone' ]
            """),
        Both("A will has its own QoS 1", "MQTT-3.1.2-12 MQTT-3.1.2-7 MQTT311-3.1.2-9 MQTT311-3.1.2-14", """
            s connects
            s subscribes "~/w" 01
            a > 10[ "MQTT" VV 0E 0000 () "~a" () "~/w" "gone" ]
            a < 20[ 00 00 (*) ]
            a cut
            s < 32[ "~/w" <id> () 'gone' ]
            s > 40[ <id> ]
            s quiet
            """, Need.QoS1),
        Both("A will has its own QoS 2", "MQTT-3.1.2-12 MQTT-3.1.2-7 MQTT311-3.1.2-9 MQTT311-3.1.2-14", """
            s connects
            s subscribes "~/w" 02
            a > 10[ "MQTT" VV 16 0000 () "~a" () "~/w" "gone" ]
            a < 20[ 00 00 (*) ]
            a cut
            s < 34[ "~/w" <id> () 'gone' ]
            s > 50[ <id> ]
            s < 62[ <id> ok ]
            s > 70[ <id> ]
            s quiet
            """, Need.QoS2),
        Both("A will without payload goes out empty", "MQTT-3.1.2-9 MQTT311-3.1.2-9", """
            s connects
            s subscribes "~/w" 00
            a > 10[ "MQTT" VV 06 0000 () "~a" () "~/w" "" ]
            a < 20[ 00 00 (*) ]
            a cut
            s < 30[ "~/w" () ]
            """),
        Both("A will with Will Retain is kept for later subscribers", "MQTT-3.1.2-15 MQTT311-3.1.2-17", """
            s connects
            s subscribes "~/w" 00
            a > 10[ "MQTT" VV 26 0000 () "~a" () "~/w" "gone" ]
            a < 20[ 00 00 (*) ]
            a cut
            s < 30[ "~/w" () 'gone' ]
            b connects
            b > 82[ 0001 () "~/w" 00 ]
            b < 90[ 0001 (*) 00 ] & 31[ "~/w" () 'gone' ]
            b > 31[ "~/w" () ]
            b < 30[ "~/w" () ]
            """, Need.Retain),
        Both("A will without Will Retain is kept for nobody", "MQTT-3.1.2-14 MQTT311-3.1.2-16", """
            s connects
            s subscribes "~/w" 00
            a > 10[ "MQTT" VV 06 0000 () "~a" () "~/w" "gone" ]
            a < 20[ 00 00 (*) ]
            a cut
            s < 30[ "~/w" () 'gone' ]
            b connects
            b subscribes "~/w" 00
            b quiet
            """),
        V5("A will goes out with its properties, User Properties in their order", "MQTT-3.1.3-10 MQTT-3.1.2-9", """
            s connects
            s subscribes "~/w" 00
            a > 10[ "MQTT" 05 06 0000 () "~a" (26 "n" "2", 01 01, 26 "n" "1", 03 "text/plain", 08 "~/answers", 09 s{ 00 FF }, 26 "m" "3") "~/w" "gone" ]
            a < 20[ 00 00 (*) ]
            a cut
            s < 30[ "~/w" (01 01, 03 "text/plain", 08 "~/answers", 09 s{ 00 FF }, 26 "n" "2", 26 "n" "1", 26 "m" "3") 'gone' ]
            """),
        V5("A will keeps its Message Expiry Interval, and its delay goes to nobody", "MQTT-3.1.2-7 MQTT-3.1.2-8", """
            s connects
            s subscribes "~/w" 00
            a > 10[ "MQTT" 05 06 0000 () "~a" (02 0000003C, 18 00000000) "~/w" "gone" ]
            a < 20[ 00 00 (*) ]
            a cut
            s < 30[ "~/w" (02 #50-60) 'gone' ]
            """),
        V5("A will waits for its delay", "MQTT-3.1.2-8", """
            s connects
            s subscribes "~/w" 00
            a > 10[ "MQTT" 05 06 0000 (11 0000003C) "~a" (18 0000000A) "~/w" "gone" ]
            a < 20[ 00 00 (*) ]
            a cut
            pause 500
            s quiet
            s < 30[ "~/w" () 'gone' ]
            """),
        V5("A will does not wait longer than its Session", "MQTT-3.1.2-8", """
            s connects
            s subscribes "~/w" 00
            a > 10[ "MQTT" 05 06 0000 (11 00000001) "~a" (18 00000E10) "~/w" "gone" ]
            a < 20[ 00 00 (*) ]
            a cut
            s < 30[ "~/w" () 'gone' ]
            """),
        V5("A will with a delay goes out at once when its Session ends with the connection", "MQTT-3.1.2-8", """
            s connects
            s subscribes "~/w" 00
            a > 10[ "MQTT" 05 06 0000 () "~a" (18 00000E10) "~/w" "gone" ]
            a < 20[ 00 00 (*) ]
            a cut
            s < 30[ "~/w" () 'gone' ]
            """),
        V5("A client that is back before the delay is over stops its will", "MQTT-3.1.3-9 MQTT-3.1.2-8", """
            s connects
            s subscribes "~/w" 00
            a > 10[ "MQTT" 05 06 0000 (11 0000003C) "~a" (18 0000000A) "~/w" "gone" ]
            a < 20[ 00 00 (*) ]
            a cut
            b > 10[ "MQTT" 05 00 0000 (11 0000003C) "~a" ]
            b < 20[ 01 00 (*) ]
            pause 12000
            s quiet
            """),
        V5("A client that comes back with Clean Start does not stop its will", "MQTT-3.1.2-8 MQTT-3.1.2-4", """
            s connects
            s subscribes "~/w" 00
            a > 10[ "MQTT" 05 06 0000 (11 0000003C) "~a" (18 00000E10) "~/w" "gone" ]
            a < 20[ 00 00 (*) ]
            a cut
            b > 10[ "MQTT" 05 02 0000 () "~a" ]
            b < 20[ 00 00 (*) ]
            s < 30[ "~/w" () 'gone' ]
            """),
        V311("A will that is not acknowledged is sent again when the Session goes on", "MQTT311-3.1.2-8 MQTT311-4.4.0-1", """
            s > 10[ "MQTT" 04 00 0000 "~s" ]
            s < 20[ 00 00 ]
            s subscribes "~/w" 01
            a > 10[ "MQTT" 04 0E 0000 "~a" "~/w" "gone" ]
            a < 20[ 00 00 ]
            a cut
            s < 32[ "~/w" <id> 'gone' ]
            s cut
            t > 10[ "MQTT" 04 00 0000 "~s" ]
            t < 20[ 01 00 ]
            t < 3A[ "~/w" <id> 'gone' ]
            """, Need.QoS1),
        V5("A will above the Maximum QoS is refused", "MQTT-3.2.2-12 MQTT-3.2.2-7", """
            a > 10[ "MQTT" 05 16 0000 () "~" () "~/w" "gone" ]
            a refused 9B
            """, Need.LacksQoS2),
        V5("A retained will is refused where nothing is retained", "MQTT-3.2.2-13 MQTT-3.2.2-7", """
            a > 10[ "MQTT" 05 26 0000 () "~" () "~/w" "gone" ]
            a refused 9A
            """, Need.LacksRetain),
    ];

    public static IEnumerable<TheoryDataRow<string>> Rows => Table.Rows;

    [Theory]
    [MemberData(nameof(Rows))]
    public Task Wills(string row) => Table.RunAsync(row, broker);
}
