using Antiphon.Conformance.Brokers;
using static Antiphon.Conformance.Cases.Case;

namespace Antiphon.Conformance.Cases.Delivering;

/// <summary>MQTT 5 §4.6, §1.5.5; MQTT 3.1.1 §4.6: messages arrive whole and in their order.</summary>
public sealed class OrderCases(BrokerUnderTest broker)
{
    private static readonly CaseTable Table =
    [
        Both("Messages of one publisher arrive in their order, QoS 0", "MQTT-4.6.0-5 MQTT-4.6.0-6 MQTT311-4.6.0-5 MQTT311-4.6.0-6", """
            a connects
            a subscribes "~/t" 00
            p connects
            p > 30[ "~/t" () '1' ] 30[ "~/t" () '2' ] 30[ "~/t" () '3' ] 30[ "~/t" () '4' ] 30[ "~/t" () '5' ]
            a < 30[ "~/t" () '1' ]
            a < 30[ "~/t" () '2' ]
            a < 30[ "~/t" () '3' ]
            a < 30[ "~/t" () '4' ]
            a < 30[ "~/t" () '5' ]
            """),
        Both("Messages of one publisher arrive in their order, QoS 1", "MQTT-4.6.0-5 MQTT-4.6.0-6 MQTT311-4.6.0-5 MQTT311-4.6.0-6", """
            a connects
            a subscribes "~/t" 01
            p connects
            p > 32[ "~/t" 0005 () '1' ] 32[ "~/t" 0004 () '2' ] 32[ "~/t" 0003 () '3' ] 32[ "~/t" 0002 () '4' ]
            a < 32[ "~/t" <+1> () '1' ]
            a < 32[ "~/t" <+2> () '2' ]
            a < 32[ "~/t" <+3> () '3' ]
            a < 32[ "~/t" <+4> () '4' ]
            """, Need.QoS1),
        Both("Messages of one publisher arrive in their order, QoS 2", "MQTT-4.6.0-5 MQTT-4.6.0-6 MQTT311-4.6.0-5 MQTT311-4.6.0-6", """
            a connects
            a subscribes "~/t" 02
            p connects
            p > 34[ "~/t" 0005 () '1' ] 34[ "~/t" 0004 () '2' ] 34[ "~/t" 0003 () '3' ]
            p < 50[ 0005 ok ]
            p < 50[ 0004 ok ]
            p < 50[ 0003 ok ]
            p > 62[ 0005 ] 62[ 0004 ] 62[ 0003 ]
            p < 70[ 0005 ok ]
            p < 70[ 0004 ok ]
            p < 70[ 0003 ok ]
            a < 34[ "~/t" <+1> () '1' ]
            a < 34[ "~/t" <+2> () '2' ]
            a < 34[ "~/t" <+3> () '3' ]
            """, Need.QoS2),
        Both(
            "What is sent again keeps its order, and what is new follows",
            "MQTT-4.6.0-5 MQTT-4.4.0-1 MQTT311-4.6.0-6 MQTT311-4.6.0-1 MQTT311-4.4.0-1",
            """
            a > 10[ "MQTT" VV 00 0000 (11 0000003C) "~a" ]
            a < 20[ 00 00 (*) ]
            a subscribes "~/t" 01
            p connects
            p > 32[ "~/t" 0001 () '1' ] 32[ "~/t" 0002 () '2' ]
            p < 40[ 0001 ok ] & 40[ 0002 ok ]
            a < 32[ "~/t" <+1> () '1' ]
            a < 32[ "~/t" <+2> () '2' ]
            a > E0 00
            a closed
            p > 32[ "~/t" 0003 () '3' ]
            p < 40[ 0003 ok ]
            b > 10[ "MQTT" VV 00 0000 (11 0000003C) "~a" ]
            b < 20[ 01 00 (*) ]
            b < 3A[ "~/t" <1> () '1' ]
            b < 3A[ "~/t" <2> () '2' ]
            b < 32[ "~/t" <+3> () '3' ]
            """, Need.QoS1),
        Both("A large message arrives whole", "MQTT-1.5.5-1 MQTT-4.2-1 MQTT311-7.1.1-1", """
            a connects
            a subscribes "~/t" 00
            p connects
            p > 30[ "~/t" () 78*120 ] 30[ "~/t" () 79*16360 ] 30[ "~/t" () 7A*16368 ] 30[ "~/t" () 77*300000 ]
            a < 30[ "~/t" () 78*120 ]
            a < 30[ "~/t" () 79*16360 ]
            a < 30[ "~/t" () 7A*16368 ]
            a < 30[ "~/t" () 77*300000 ]
            """),
        Both("A Remaining Length of more than four bytes ends the connection", "MQTT-1.5.5-1 MQTT-4.13.1-1 MQTT311-4.8.0-1", """
            a connects
            a > 30 FF FF FF FF 01
            a ends 81|95
            """),
    ];

    public static IEnumerable<TheoryDataRow<string>> Rows => Table.Rows;

    [Theory]
    [MemberData(nameof(Rows))]
    public Task Order(string row) => Table.RunAsync(row, broker);
}
