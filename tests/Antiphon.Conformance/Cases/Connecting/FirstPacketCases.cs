using Antiphon.Conformance.Brokers;
using static Antiphon.Conformance.Cases.Case;

namespace Antiphon.Conformance.Cases.Connecting;

/// <summary>MQTT 5 §3.1.0, §3.1.2.1 to §3.1.2.3, §3.1.4; MQTT 3.1.1 §3.1: what opens a connection, and what does not.</summary>
public sealed class FirstPacketCases(BrokerUnderTest broker)
{
    private static readonly CaseTable Table =
    [
        Both("A CONNECT that is right is answered by CONNACK with success", "MQTT-3.1.4-5 MQTT-3.2.2-1 MQTT311-3.1.4-4", """
            a > 10[ "MQTT" VV 02 003C () "~" ]
            a < 20[ 00 00 (*) ]
            a quiet
            """),
        Both("A CONNECT that comes byte by byte is one CONNECT", "MQTT-4.2-1 MQTT311-4.2.0-1", """
            a >> 10[ "MQTT" VV 02 003C () "~" ]
            a < 20[ 00 00 (*) ]
            """),
        Both("A first packet other than CONNECT ends the connection", "MQTT-3.1.0-1 MQTT-3.14.0-1 MQTT311-3.1.0-1", """
            a > C0 00
            a closed
            b > 30[ "~/t" () 'x' ]
            b closed
            """),
        Both("A second CONNECT ends the connection", "MQTT-3.1.0-2 MQTT-3.2.0-2 MQTT311-3.1.0-2", """
            a connects
            a > 10[ "MQTT" VV 02 0000 () "~a" ]
            a ends 82
            """),
    ];

    public static IEnumerable<TheoryDataRow<string>> Rows => Table.Rows;

    [Theory]
    [MemberData(nameof(Rows))]
    public Task First_packet(string row) => Table.RunAsync(row, broker);
}
