using Antiphon.Conformance.Brokers;
using static Antiphon.Conformance.Cases.Case;

namespace Antiphon.Conformance.Cases.Closing;

/// <summary>MQTT 5 §3.14, §4.13; MQTT 3.1.1 §3.14: how a connection ends.</summary>
public sealed class DisconnectCases(BrokerUnderTest broker)
{
    private static readonly CaseTable Table =
    [
        Both("After DISCONNECT the server closes, and sends nothing", "MQTT-3.14.4-2 MQTT311-3.14.4-1", """
            a connects
            a > E0 00
            a closed
            """),
        V5("DISCONNECT may say its code and properties", "MQTT-3.14.2-1 MQTT-3.14.4-2", """
            a connects
            a > E0[ 00 ]
            a closed
            b connects
            b > E0[ 00 () ]
            b closed
            c connects
            c > E0[ 80 (1F "why", 26 "n" "v") ]
            c closed
            """),
        Both(
            "DISCONNECT with header flags other than 0 ends the connection as an error does",
            "MQTT-3.14.1-1 MQTT-2.1.3-1 MQTT-4.13.2-1 MQTT311-3.14.1-1 MQTT311-2.2.2-1 MQTT311-2.2.2-2",
            """
            s connects
            s subscribes "~/w" 00
            a > 10[ "MQTT" VV 06 0000 () "~a" () "~/w" "gone" ]
            a < 20[ 00 00 (*) ]
            a > E1 00
            a ends 81
            s < 30[ "~/w" () 'gone' ]
            """),
        V5("DISCONNECT with a reason code that does not exist ends the connection as an error does", "MQTT-3.14.2-1 MQTT-4.13.1-1", """
            a connects
            a > E0[ 55 ]
            a ends 81|82
            """),
        V5(
            "DISCONNECT with a reason code that clients may not send ends the connection as an error does",
            "MQTT-3.14.2-1 MQTT-4.13.1-1",
            """
            a connects
            a > E0[ 8E ]
            a ends 81|82
            """),
        Both("After an error nothing that the client sends is processed", "MQTT-3.14.4-1 MQTT-4.13.1-1 MQTT311-4.8.0-1", """
            s connects
            s subscribes "~/t" 00
            a connects
            a > 36[ "~/t" 0001 () 'x' ] 30[ "~/t" () 'y' ]
            a ends 81
            s quiet
            """),
        Both("What the client sends behind its DISCONNECT is not processed", "MQTT-3.14.4-2 MQTT311-3.14.4-2", """
            s connects
            s subscribes "~/t" 00
            a connects
            a > E0 00 30[ "~/t" () 'y' ]
            a closed
            s quiet
            """),
        Both("A packet type that does not exist ends the connection", "MQTT-4.13.1-1 MQTT311-4.8.0-1", """
            a connects
            a > 00 00
            a ends 81|82
            """),
        Both("A packet that only servers send ends the connection", "MQTT-4.13.1-1 MQTT311-4.8.0-1", """
            a connects
            a > 20[ 00 00 () ]
            a ends 81|82
            b connects
            b > 90[ 0001 () 00 ]
            b ends 81|82
            c connects
            c > B0[ 0001 () 00 ]
            c ends 81|82
            d connects
            d > D0 00
            d ends 81|82
            """),
        V311("AUTH does not exist in MQTT 3.1.1", "MQTT311-4.8.0-1", """
            a connects
            a > F0 00
            a closed
            """),
        V5("A packet larger than the server's Maximum Packet Size ends the connection", "MQTT-4.13.1-1", """
            a connects
            a > 30[ "~/t" () { 78 }*@27 ]
            a ends 95
            """, Need.LimitedPacketSize),
    ];

    public static IEnumerable<TheoryDataRow<string>> Rows => Table.Rows;

    [Theory]
    [MemberData(nameof(Rows))]
    public Task Disconnect(string row) => Table.RunAsync(row, broker);
}
