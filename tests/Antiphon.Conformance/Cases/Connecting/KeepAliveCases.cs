using Antiphon.Conformance.Brokers;
using static Antiphon.Conformance.Cases.Case;

namespace Antiphon.Conformance.Cases.Connecting;

/// <summary>MQTT 5 §3.1.2.10, §3.2.2.3.14, §3.12, §3.13; MQTT 3.1.1 §3.1.2.10, §3.12: how long a client may be silent.</summary>
public sealed class KeepAliveCases(BrokerUnderTest broker)
{
    private static readonly CaseTable Table =
    [
        Both(
            "Silence for more than one and a half times the Keep Alive ends the connection",
            "MQTT-3.1.2-22 MQTT-3.2.2-22 MQTT311-3.1.2-24",
            """
            a > 10[ "MQTT" VV 02 0001 () "~" ]
            a < 20[ 00 00 (* !13) ]
            a ends 8D
            """),
        Both("Who sends within the Keep Alive stays connected", "MQTT-3.1.2-22 MQTT311-3.1.2-24", """
            a > 10[ "MQTT" VV 02 0008 () "~" ]
            a < 20[ 00 00 (*) ]
            pause 4500
            a quiet
            pause 4500
            a > 30[ "~/t" () 'x' ]
            pause 4500
            a quiet
            """),
        Both("A Keep Alive of 0 ends nothing", "MQTT-3.1.2-22 MQTT311-3.1.2-24", """
            a > 10[ "MQTT" VV 02 0000 () "~" ]
            a < 20[ 00 00 (*) ]
            pause 3000
            a quiet
            """),
        Both("PINGREQ is answered by PINGRESP, each one", "MQTT-3.12.4-1 MQTT311-3.12.4-1", """
            a connects
            a > C0 00 C0 00
            a < D0 00
            a < D0 00
            a quiet
            """),
        Both(
            "PINGREQ with header flags other than 0 ends the connection",
            "MQTT-2.1.3-1 MQTT-4.13.1-1 MQTT311-2.2.2-1 MQTT311-2.2.2-2 MQTT311-4.8.0-1",
            """
            a connects
            a > C1 00
            a ends 81
            """),
    ];

    public static IEnumerable<TheoryDataRow<string>> Rows => Table.Rows;

    [Theory]
    [MemberData(nameof(Rows))]
    public Task Keep_alive(string row) => Table.RunAsync(row, broker);
}
