using Antiphon.Conformance.Brokers;
using static Antiphon.Conformance.Cases.Case;

namespace Antiphon.Conformance.Cases.Publishing;

/// <summary>MQTT 5 §3.3.2.3: what goes with a message.</summary>
public sealed class MessagePropertyCases(BrokerUnderTest broker)
{
    private static readonly CaseTable Table =
    [
        V5("Payload Format Indicator passes as it came", "MQTT-3.3.2-4", """
            a connects
            a subscribes "~/t" 00
            p connects
            p > 30[ "~/t" (01 01) 'x' ] 30[ "~/t" (01 00) 'y' ]
            a < 30[ "~/t" (01 01) 'x' ]
            a < 30[ "~/t" (01 00) 'y' ] or 30[ "~/t" () 'y' ]
            """),
        V5("Response Topic and Correlation Data pass as they came", "MQTT-3.3.2-15 MQTT-3.3.2-16", """
            a connects
            a subscribes "~/t" 00
            p connects
            p > 30[ "~/t" (08 "~/answers", 09 s{ 00 01 FF }) 'x' ]
            a < 30[ "~/t" (08 "~/answers", 09 s{ 00 01 FF }) 'x' ]
            """),
        V5("Empty Correlation Data passes as it came", "MQTT-3.3.2-16", """
            a connects
            a subscribes "~/t" 00
            p connects
            p > 30[ "~/t" (08 "~/answers", 09 0000) 'x' ]
            a < 30[ "~/t" (08 "~/answers", 09 0000) 'x' ]
            """),
        V5("Content Type passes as it came", "MQTT-3.3.2-20", """
            a connects
            a subscribes "~/t" 00
            p connects
            p > 30[ "~/t" (03 "text/plain; charset=UTF-8") 'x' ]
            a < 30[ "~/t" (03 "text/plain; charset=UTF-8") 'x' ]
            """),
        V5("User Properties pass as they came, in their order, also those of one name", "MQTT-3.3.2-17 MQTT-3.3.2-18 MQTT-1.5.7-1", """
            a connects
            a subscribes "~/t" 00
            p connects
            p > 30[ "~/t" (26 "n" "2", 26 "m" "", 26 "n" "1", 26 "" "x", 26 "n" "2") 'x' ]
            a < 30[ "~/t" (26 "n" "2", 26 "m" "", 26 "n" "1", 26 "" "x", 26 "n" "2") 'x' ]
            """),
        V5(
            "All properties of a message pass through a Session's queue",
            "MQTT-3.3.2-4 MQTT-3.3.2-15 MQTT-3.3.2-16 MQTT-3.3.2-17 MQTT-3.3.2-18 MQTT-3.3.2-20",
            """
            a connects (11 0000003C)
            a subscribes "~/t" 01
            a > E0 00
            a closed
            p connects
            p > 32[ "~/t" 0001 (26 "n" "2", 01 01, 03 "text/plain", 08 "~/answers", 09 s{ 07 }, 26 "n" "1") 'x' ]
            p < 40[ 0001 ok ]
            b > 10[ "MQTT" 05 00 0000 (11 0000003C) "~a" ]
            b < 20[ 01 00 (*) ]
            b < 32[ "~/t" <id> (01 01, 03 "text/plain", 08 "~/answers", 09 s{ 07 }, 26 "n" "2", 26 "n" "1") 'x' ]
            """, Need.QoS1),
        V5(
            "All properties of a message pass through the retained store",
            "MQTT-3.3.2-4 MQTT-3.3.2-15 MQTT-3.3.2-16 MQTT-3.3.2-17 MQTT-3.3.2-18 MQTT-3.3.2-20",
            """
            p connects
            p > 33[ "~/t" 0001 (26 "n" "2", 01 01, 03 "text/plain", 08 "~/answers", 09 s{ 07 }, 26 "n" "1") 'x' ]
            p < 40[ 0001 ok ]
            a connects
            a > 82[ 0001 () "~/t" 00 ]
            a < 90[ 0001 (*) 00 ] & 31[ "~/t" (01 01, 03 "text/plain", 08 "~/answers", 09 s{ 07 }, 26 "n" "2", 26 "n" "1") 'x' ]
            p > 31[ "~/t" () ]
            """, Need.Retain, Need.QoS1),
        V5("A client of MQTT 3.1.1 gets the message without its properties", "MQTT-3.3.2-3", """
            a > 10[ "MQTT" 04 02 0000 "~a" ]
            a < 20[ 00 00 ]
            a > 82[ 0001 "~/t" 00 ]
            a < 90[ 0001 00 ]
            p connects
            p > 30[ "~/t" (26 "n" "2", 01 01, 08 "~/answers") 'x' ]
            a < 30[ "~/t" 'x' ]
            """, Need.Mqtt311),
        V5("A message of a client of MQTT 3.1.1 reaches one of MQTT 5", "MQTT-3.3.2-3", """
            a connects
            a subscribes "~/t" 00
            p > 10[ "MQTT" 04 02 0000 "~p" ]
            p < 20[ 00 00 ]
            p > 30[ "~/t" 'x' ]
            a < 30[ "~/t" () 'x' ]
            """, Need.Mqtt311),
        V5("A Response Topic that is not UTF-8 ends the connection", "MQTT-3.3.2-13", """
            a connects
            a > 30[ "~/t" (08 s{ FF }) 'x' ]
            a ends 81|82
            """),
        V5("A Response Topic with + ends the connection", "MQTT-3.3.2-14 MQTT-4.13.1-1", """
            a connects
            a > 30[ "~/t" (08 "~/+") 'x' ]
            a ends 81|82|90
            """),
        V5("A Response Topic with # ends the connection", "MQTT-3.3.2-14 MQTT-4.13.1-1", """
            a connects
            a > 30[ "~/t" (08 "~/#") 'x' ]
            a ends 81|82|90
            """),
        V5("A Content Type that is not UTF-8 ends the connection", "MQTT-3.3.2-19", """
            a connects
            a > 30[ "~/t" (03 s{ C0 80 }) 'x' ]
            a ends 81
            """),
        V5("A User Property that is not UTF-8 ends the connection", "MQTT-1.5.7-1", """
            a connects
            a > 30[ "~/t" (26 "n" s{ ED BF BF }) 'x' ]
            a ends 81
            """),
        V5("A PUBLISH without a property list ends the connection", "MQTT-2.2.2-1 MQTT-4.13.1-1", """
            a connects
            a > 30[ "~/t" ]
            a ends 81
            """),
        V5("A PUBLISH with a property twice ends the connection", "MQTT-4.13.1-1", """
            a connects
            a > 30[ "~/t" (01 00, 01 00) 'x' ]
            a ends 82
            """),
        V5("A Subscription Identifier from a client ends the connection", "MQTT-3.3.4-6 MQTT-4.13.1-1", """
            a connects
            a > 30[ "~/t" (0B 01) 'x' ]
            a ends 81|82
            """),
        V5("The Message Expiry Interval goes out as it came when nothing waited", "MQTT-3.3.2-6", """
            a connects
            a subscribes "~/t" 00
            p connects
            p > 30[ "~/t" (02 0000003C) 'x' ]
            a < 30[ "~/t" (02 #50-60) 'x' ]
            """),
        V5("The Message Expiry Interval goes out less the seconds that it waited for the client", "MQTT-3.3.2-6", """
            a connects (11 0000003C)
            a subscribes "~/t" 01
            a > E0 00
            a closed
            p connects
            p > 32[ "~/t" 0001 (02 0000003C) 'x' ]
            p < 40[ 0001 ok ]
            pause 2100
            b > 10[ "MQTT" 05 00 0000 (11 0000003C) "~a" ]
            b < 20[ 01 00 (*) ]
            b < 32[ "~/t" <id> (02 #40-58) 'x' ]
            """, Need.QoS1),
        V5("A message that expired while it waited for the client is deleted", "MQTT-3.3.2-5", """
            a connects (11 0000003C)
            a subscribes "~/t" 01
            a > E0 00
            a closed
            p connects
            p > 32[ "~/t" 0001 (02 00000001) 'expires' ]
            p < 40[ 0001 ok ]
            p > 32[ "~/t" 0002 () 'stays' ]
            p < 40[ 0002 ok ]
            pause 3100
            b > 10[ "MQTT" 05 00 0000 (11 0000003C) "~a" ]
            b < 20[ 01 00 (*) ]
            b < 32[ "~/t" <id> () 'stays' ]
            b > 40[ <id> ]
            b quiet
            """, Need.QoS1),
        V5("A message that expired while it waited for the client's Receive Maximum is deleted", "MQTT-3.3.2-5", """
            a connects (21 0001)
            a subscribes "~/t" 01
            p connects
            p > 32[ "~/t" 0001 () 'first' ]
            p < 40[ 0001 ok ]
            a < 32[ "~/t" <one> () 'first' ]
            p > 32[ "~/t" 0002 (02 00000001) 'expires' ]
            p < 40[ 0002 ok ]
            pause 3100
            p > 32[ "~/t" 0003 () 'last' ]
            p < 40[ 0003 ok ]
            a > 40[ <one> ]
            a < 32[ "~/t" <two> () 'last' ]
            """, Need.QoS1),
        V5("A retained message goes out less the seconds that it was kept", "MQTT-3.3.2-6", """
            p connects
            p > 33[ "~/t" 0001 (02 0000003C) 'x' ]
            p < 40[ 0001 ok ]
            pause 2100
            a connects
            a > 82[ 0001 () "~/t" 00 ]
            a < 90[ 0001 (*) 00 ] & 31[ "~/t" (02 #40-58) 'x' ]
            p > 31[ "~/t" () ]
            """, Need.Retain, Need.QoS1),
        V5("A retained message that expired goes to nobody", "MQTT-3.3.2-5", """
            p connects
            p > 33[ "~/t" 0001 (02 00000001) 'x' ]
            p < 40[ 0001 ok ]
            pause 3100
            a connects
            a subscribes "~/t" 00
            a quiet
            """, Need.Retain, Need.QoS1),
    ];

    public static IEnumerable<TheoryDataRow<string>> Rows => Table.Rows;

    [Theory]
    [MemberData(nameof(Rows))]
    public Task Message_properties(string row) => Table.RunAsync(row, broker);
}
