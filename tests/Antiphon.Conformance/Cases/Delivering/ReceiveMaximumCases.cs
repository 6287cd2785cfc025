using Antiphon.Conformance.Brokers;
using static Antiphon.Conformance.Cases.Case;

namespace Antiphon.Conformance.Cases.Delivering;

/// <summary>MQTT 5 §3.1.2.11.3, §4.9: how many deliveries may be unfinished.</summary>
public sealed class ReceiveMaximumCases(BrokerUnderTest broker)
{
    private static readonly CaseTable Table =
    [
        V5(
            "No more unfinished messages than the client's Receive Maximum, and the next when one is done",
            "MQTT-3.3.4-9 MQTT-4.9.0-1 MQTT-4.9.0-2",
            """
            a connects (21 0002)
            a subscribes "~/t" 01
            p connects
            p > 32[ "~/t" 0001 () 'x' ] 32[ "~/t" 0002 () 'y' ] 32[ "~/t" 0003 () 'z' ]
            p < 40[ 0001 ok ] & 40[ 0002 ok ] & 40[ 0003 ok ]
            a < 32[ "~/t" <+x> () 'x' ]
            a < 32[ "~/t" <+y> () 'y' ]
            a quiet
            a > 40[ <x> ]
            a < 32[ "~/t" <z> () 'z' ]
            a > 40[ <y> ] 40[ <z> ]
            a quiet
            """, Need.QoS1),
        V5("A QoS 2 message counts towards the Receive Maximum until its PUBCOMP", "MQTT-3.3.4-9 MQTT-4.9.0-2", """
            a connects (21 0001)
            a subscribes "~/t" 02
            p connects
            p > 34[ "~/t" 0001 () 'x' ]
            p < 50[ 0001 ok ]
            p > 62[ 0001 ]
            p < 70[ 0001 ok ]
            p > 32[ "~/t" 0002 () 'y' ]
            p < 40[ 0002 ok ]
            a < 34[ "~/t" <x> () 'x' ]
            a > 50[ <x> ]
            a < 62[ <x> ok ]
            a quiet
            a > 70[ <x> ]
            a < 32[ "~/t" <y> () 'y' ]
            """, Need.QoS2),
        V5("A full Receive Maximum holds back neither QoS 0 nor any other packet", "MQTT-3.3.4-10 MQTT-4.9.0-3", """
            a connects (21 0001)
            a subscribes "~/t" 01
            p connects
            p > 32[ "~/t" 0001 () 'x' ]
            p < 40[ 0001 ok ]
            a < 32[ "~/t" <x> () 'x' ]
            p > 32[ "~/t" 0002 () 'y' ]
            p < 40[ 0002 ok ]
            a quiet
            a subscribes "~/u" 00
            a > 32[ "~/nobody" 0009 () 'z' ]
            a < 40[ 0009 ok ]
            a > A2[ 000A () "~/u" ]
            a < B0[ 000A (*) 00 ]
            a > 40[ <x> ]
            a < 32[ "~/t" <y> () 'y' ]
            """, Need.QoS1),
        V5("The Receive Maximum holds over a new connection, where it is told again", "MQTT-3.3.4-9 MQTT-4.4.0-1", """
            a connects (11 0000003C)
            a subscribes "~/t" 01
            a > E0 00
            a closed
            p connects
            p > 32[ "~/t" 0001 () 'x' ] 32[ "~/t" 0002 () 'y' ]
            p < 40[ 0001 ok ] & 40[ 0002 ok ]
            b > 10[ "MQTT" 05 00 0000 (11 0000003C, 21 0001) "~a" ]
            b < 20[ 01 00 (*) ]
            b < 32[ "~/t" <x> () 'x' ]
            b quiet
            b > 40[ <x> ]
            b < 32[ "~/t" <y> () 'y' ]
            """, Need.QoS1),
    ];

    public static IEnumerable<TheoryDataRow<string>> Rows => Table.Rows;

    [Theory]
    [MemberData(nameof(Rows))]
    public Task Receive_Maximum(string row) => Table.RunAsync(row, broker);
}
