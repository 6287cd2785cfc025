using Antiphon.Conformance.Brokers;
using static Antiphon.Conformance.Cases.Case;

namespace Antiphon.Conformance.Cases.Connecting;

/// <summary>MQTT 5 §3.1.0, §3.1.2.1, §3.1.2.2, §3.1.4, §3.2.0; MQTT 3.1.1 §3.1: what opens a connection, and what does not.</summary>
public sealed class FirstPacketCases(BrokerUnderTest broker)
{
    private static readonly CaseTable Table =
    [
        Both("A CONNECT that is right is answered by CONNACK with success", "MQTT-3.1.4-5 MQTT-3.2.2-1 MQTT311-3.1.4-4", """
            a > 10[ "MQTT" VV 02 003C () "~" ]
            a < 20[ 00 00 (*) ]
            a quiet
            """),
        Both("A CONNECT that comes byte by byte is one CONNECT", "MQTT-4.2-1 MQTT311-7.1.1-1", """
            a >> 10[ "MQTT" VV 02 003C () "~" ]
            a < 20[ 00 00 (*) ]
            """),
        Both("Packets that come together are handled one after the other", "MQTT-4.2-1 MQTT-3.2.0-1 MQTT311-7.1.1-1 MQTT311-3.2.0-1", """
            a > 10[ "MQTT" VV 02 0000 () "~" ] 82[ 0001 () "~/t" 00 ] C0 00
            a < 20[ 00 00 (*) ]
            a < 90[ 0001 (*) 00 ]
            a < D0 00
            """),
        Both("PINGREQ as the first packet ends the connection", "MQTT-3.1.0-1 MQTT-3.14.0-1 MQTT311-3.1.0-1", """
            a > C0 00
            a closed
            """),
        Both("PUBLISH as the first packet ends the connection and goes to nobody", "MQTT-3.1.0-1 MQTT-3.14.0-1 MQTT311-3.1.0-1", """
            s connects
            s subscribes "~/t" 00
            a > 30[ "~/t" () 'x' ]
            a closed
            s quiet
            """),
        V5("AUTH as the first packet ends the connection", "MQTT-3.1.0-1 MQTT-3.14.0-1", """
            a > F0[ 18 (15 "none") ]
            a closed
            """),
        Both("A second CONNECT ends the connection", "MQTT-3.1.0-2 MQTT-3.2.0-2 MQTT311-3.1.0-2", """
            a connects
            a > 10[ "MQTT" VV 02 0000 () "~a" ]
            a ends 82
            """),
        Both("A second CONNECT under another client identifier ends the connection, too", "MQTT-3.1.0-2 MQTT-3.2.0-2 MQTT311-3.1.0-2", """
            a connects
            a > 10[ "MQTT" VV 02 0000 () "~b" ]
            a ends 82
            """),
        Both("Another protocol name is refused", "MQTT-3.1.2-1 MQTT311-3.1.2-1", """
            a > 10[ "MQTX" VV 02 0000 () "~" ]
            a refused 84
            """),
        Both("The protocol name in small letters is another one", "MQTT-3.1.2-1 MQTT311-3.1.2-1", """
            a > 10[ "mqtt" VV 02 0000 () "~" ]
            a refused 84
            """),
        V5("A protocol version that does not exist is refused, in the form of 5 or in that of 3.1.1", "MQTT-3.1.2-2", """
            a > 10[ "MQTT" 06 02 0000 () "~" ]
            a refused 84|01
            """),
        V311("A protocol level that does not exist is answered by return code 01", "MQTT311-3.1.2-2", """
            a > 10[ "MQTT" 02 02 0000 "~" ]
            a < 20[ 00 01 ] or 20[ 00 84 * ]
            a closed
            """),
    ];

    public static IEnumerable<TheoryDataRow<string>> Rows => Table.Rows;

    [Theory]
    [MemberData(nameof(Rows))]
    public Task First_packet(string row) => Table.RunAsync(row, broker);
}
