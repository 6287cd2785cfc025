using Antiphon.Conformance.Brokers;
using static Antiphon.Conformance.Cases.Case;

namespace Antiphon.Conformance.Cases.Connecting;

/// <summary>
/// MQTT 5 §3.1.2.4, §3.1.2.11.2, §3.2.2.1.1, §4.1; MQTT 3.1.1 §3.1.2.4: how long a Session lasts, and what the client is told of it.
/// </summary>
public sealed class SessionCases(BrokerUnderTest broker)
{
    private static readonly CaseTable Table =
    [
        Both(
            "A Session that goes on still has its subscriptions",
            "MQTT-3.1.2-5 MQTT-3.2.2-3 MQTT-3.1.2-23 MQTT-3.2.2-1 MQTT311-3.1.2-4 MQTT311-3.2.2-2 MQTT311-4.1.0-1",
            """
            a > 10[ "MQTT" VV 00 0000 (11 0000003C) "~" ]
            a < 20[ 00 00 (*) ]
            a subscribes "~/t" 00
            a > E0 00
            a closed
            b > 10[ "MQTT" VV 00 0000 (11 0000003C) "~" ]
            b < 20[ 01 00 (*) ]
            p connects
            p > 30[ "~/t" () 'x' ]
            b < 30[ "~/t" () 'x' ]
            """),
        Both(
            "A Session that goes on has what came while the client was away",
            "MQTT-3.1.2-5 MQTT-4.5.0-1 MQTT-3.1.2-23 MQTT-3.2.0-1 MQTT311-3.1.2-5 MQTT311-4.5.0-1",
            """
            a > 10[ "MQTT" VV 00 0000 (11 0000003C) "~" ]
            a < 20[ 00 00 (*) ]
            a subscribes "~/t" 01
            a > E0 00
            a closed
            p connects
            p > 32[ "~/t" 0001 () 'x' ]
            p < 40[ 0001 ok ]
            p > 32[ "~/t" 0002 () 'y' ]
            p < 40[ 0002 ok ]
            b > 10[ "MQTT" VV 00 0000 (11 0000003C) "~" ]
            b < 20[ 01 00 (*) ]
            b < 32[ "~/t" <+x> () 'x' ]
            b < 32[ "~/t" <+y> () 'y' ]
            b > 40[ <x> ] 40[ <y> ]
            b quiet
            """, Need.QoS1),
        Both("Without a Session there is none to go on with", "MQTT-3.1.2-6 MQTT-3.2.2-3 MQTT311-3.1.2-4 MQTT311-3.2.2-3", """
            a > 10[ "MQTT" VV 00 0000 (11 0000003C) "~" ]
            a < 20[ 00 00 (*) ]
            a quiet
            """),
        Both(
            "Clean Start throws the earlier Session away",
            "MQTT-3.1.2-4 MQTT-3.2.2-2 MQTT-3.1.4-4 MQTT311-3.1.2-6 MQTT311-3.1.4-3 MQTT311-3.2.2-1",
            """
            a > 10[ "MQTT" VV 00 0000 (11 0000003C) "~" ]
            a < 20[ 00 00 (*) ]
            a subscribes "~/t" 01
            a > E0 00
            a closed
            p connects
            p > 32[ "~/t" 0001 () 'queued' ]
            p < 40[ 0001 ok ]
            b > 10[ "MQTT" VV 02 0000 () "~" ]
            b < 20[ 00 00 (*) ]
            p > 32[ "~/t" 0002 () 'later' ]
            p < 40[ 0002 ok ]
            b quiet
            """, Need.QoS1),
        V311("A CleanSession 1 Session leaves nothing to a later one", "MQTT311-3.1.2-6 MQTT311-3.2.2-3", """
            a > 10[ "MQTT" 04 02 0000 "~" ]
            a < 20[ 00 00 ]
            a subscribes "~/t" 01
            a > E0 00
            a closed
            b > 10[ "MQTT" 04 00 0000 "~" ]
            b < 20[ 00 00 ]
            """),
        V5("Without a Session Expiry Interval the Session ends with the connection", "MQTT-4.1.0-2 MQTT-3.2.2-3", """
            a > 10[ "MQTT" 05 02 0000 () "~" ]
            a < 20[ 00 00 (*) ]
            a subscribes "~/t" 00
            a > E0 00
            a closed
            b > 10[ "MQTT" 05 00 0000 () "~" ]
            b < 20[ 00 00 (*) ]
            """),
        V5("A Session ends when its Session Expiry Interval is over", "MQTT-4.1.0-2 MQTT-3.1.2-6", """
            a > 10[ "MQTT" 05 02 0000 (11 00000001) "~" ]
            a < 20[ 00 00 (*) ]
            a subscribes "~/t" 01
            a > E0 00
            a closed
            pause 3200
            b > 10[ "MQTT" 05 00 0000 (11 0000003C) "~" ]
            b < 20[ 00 00 (*) ]
            """),
        V5("A Session does not end while its connection is open, however short its Session Expiry Interval", "MQTT-4.1.0-1", """
            a > 10[ "MQTT" 05 02 0000 (11 00000001) "~" ]
            a < 20[ 00 00 (*) ]
            a subscribes "~/t" 00
            pause 2500
            p connects
            p > 30[ "~/t" () 'x' ]
            a < 30[ "~/t" () 'x' ]
            """),
        V311("A Session does not end while its connection is open", "MQTT311-4.1.0-2", """
            a > 10[ "MQTT" 04 02 0000 "~" ]
            a < 20[ 00 00 ]
            a subscribes "~/t" 00
            p connects
            p > 30[ "~/t" 'x' ]
            a < 30[ "~/t" 'x' ]
            """),
        V5("A Session Expiry Interval of 0 in DISCONNECT ends the Session at once", "MQTT-4.1.0-2", """
            a > 10[ "MQTT" 05 02 0000 (11 0000003C) "~" ]
            a < 20[ 00 00 (*) ]
            a > E0[ 00 (11 00000000) ]
            a closed
            b > 10[ "MQTT" 05 00 0000 () "~" ]
            b < 20[ 00 00 (*) ]
            """),
        V5("A DISCONNECT that raises the Session Expiry Interval from 0 is a protocol error", "MQTT-4.13.1-1", """
            a > 10[ "MQTT" 05 02 0000 () "~" ]
            a < 20[ 00 00 (*) ]
            a > E0[ 00 (11 0000003C) ]
            a ends 82
            """),
        V5(
            "A CONNECT that is rejected leaves the Session alone, and tells of none",
            "MQTT-3.2.2-6 MQTT-3.2.2-7 MQTT-3.1.4-4 MQTT-3.1.2-23",
            """
            a > 10[ "MQTT" 05 00 0000 (11 0000003C) "~" ]
            a < 20[ 00 00 (*) ]
            a > E0 00
            a closed
            b > 10[ "MQTT" 05 02 0000 (15 "~none") "~" ]
            b refused 8C|87
            c > 10[ "MQTT" 05 00 0000 () "~" ]
            c < 20[ 01 00 (*) ]
            """),
    ];

    public static IEnumerable<TheoryDataRow<string>> Rows => Table.Rows;

    [Theory]
    [MemberData(nameof(Rows))]
    public Task Sessions(string row) => Table.RunAsync(row, broker);
}
