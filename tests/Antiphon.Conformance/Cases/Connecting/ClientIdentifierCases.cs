using Antiphon.Conformance.Brokers;
using static Antiphon.Conformance.Cases.Case;

namespace Antiphon.Conformance.Cases.Connecting;

/// <summary>MQTT 5 §3.1.3.1, §3.1.4, §3.2.2.3.7; MQTT 3.1.1 §3.1.3.1: who a client is.</summary>
public sealed class ClientIdentifierCases(BrokerUnderTest broker)
{
    private static readonly CaseTable Table =
    [
        Both("A client identifier of 23 letters and digits is accepted", "MQTT-3.1.3-5 MQTT311-3.1.3-5", """
            a > 10[ "MQTT" VV 02 0000 () "~ABCDEFXYZ09" ]
            a < 20[ 00 00 (*) ]
            """),
        Both("A client identifier of one character is accepted", "MQTT-3.1.3-5 MQTT311-3.1.3-5", """
            a > 10[ "MQTT" VV 02 0000 () s{ v5{ 5A } v311{ 7A } } ]
            a < 20[ 00 00 (*) ]
            """),
        V5("A client without an identifier is told one, and no two are told the same", "MQTT-3.1.3-6 MQTT-3.1.3-7 MQTT-3.2.2-16", """
            a > 10[ "MQTT" 05 02 0000 () "" ]
            a < 20[ 00 00 (12 <"one">, *) ]
            b > 10[ "MQTT" 05 02 0000 () "" ]
            b < 20[ 00 00 (12 <"two">, *) ]
            a quiet
            b quiet
            """, Need.AssignedIdentifiers),
        V5("An assigned identifier is the client's from then on", "MQTT-3.1.3-7 MQTT-3.1.3-2", """
            a > 10[ "MQTT" 05 00 0000 (11 0000003C) "" ]
            a < 20[ 00 00 (12 <"one">, *) ]
            a > E0 00
            a closed
            b > 10[ "MQTT" 05 00 0000 (11 0000003C) <"one"> ]
            b < 20[ 01 00 (* !12) ]
            """, Need.AssignedIdentifiers),
        V5("Who brings an identifier is assigned none", "MQTT-3.1.3-7", """
            a > 10[ "MQTT" 05 02 0000 () "~" ]
            a < 20[ 00 00 (* !12) ]
            """),
        V311("A client without an identifier is let in with CleanSession 1, beside others", "MQTT311-3.1.3-6", """
            a > 10[ "MQTT" 04 02 0000 "" ]
            a < 20[ 00 00 ]
            b > 10[ "MQTT" 04 02 0000 "" ]
            b < 20[ 00 00 ]
            a quiet
            b quiet
            """, Need.AssignedIdentifiers),
        V311(
            "A client without an identifier is refused by return code 02 with CleanSession 0",
            "MQTT311-3.1.3-7 MQTT311-3.1.3-8 MQTT311-3.2.2-4 MQTT311-3.2.2-5",
            """
            a > 10[ "MQTT" 04 00 0000 "" ]
            a < 20[ 00 02 ]
            a closed
            """),
        Both("Client identifiers are told apart by the case of their letters", "MQTT-3.1.3-2 MQTT311-3.1.3-2", """
            a > 10[ "MQTT" VV 02 0000 () "~x" ]
            a < 20[ 00 00 (*) ]
            b > 10[ "MQTT" VV 02 0000 () "~X" ]
            b < 20[ 00 00 (*) ]
            a quiet
            b quiet
            """),
        Both(
            "A second connection with the same client identifier ends the first",
            "MQTT-3.1.4-3 MQTT-3.1.3-2 MQTT-3.14.2-1 MQTT-3.14.2-2 MQTT311-3.1.4-2 MQTT311-3.1.3-2",
            """
            a > 10[ "MQTT" VV 02 0000 () "~" ]
            a < 20[ 00 00 (*) ]
            b > 10[ "MQTT" VV 02 0000 () "~" ]
            b < 20[ 00 00 (*) ]
            a ends 8E
            b quiet
            """),
        Both("A second connection goes on with the Session of the first", "MQTT-3.1.4-3 MQTT-3.1.2-5 MQTT311-3.1.4-2 MQTT311-3.1.2-4", """
            a > 10[ "MQTT" VV 00 0000 (11 0000003C) "~" ]
            a < 20[ 00 00 (*) ]
            a subscribes "~/t" 01
            b > 10[ "MQTT" VV 00 0000 (11 0000003C) "~" ]
            b < 20[ 01 00 (*) ]
            a ends 8E
            p connects
            p > 30[ "~/t" () 'x' ]
            b < 30[ "~/t" () 'x' ]
            """),
        Both(
            "A client identifier that the server does not take is refused",
            "MQTT-3.1.3-8 MQTT-3.1.4-2 MQTT311-3.1.3-9 MQTT311-3.2.2-4 MQTT311-3.2.2-5",
            """
            a > 10[ "MQTT" VV 02 0000 () "~~" ]
            a < 20[ 00 v5{ 85 } v311{ 02 } ] or 20[ 00 v5{ 85 } v311{ 02 } (*) ] or closed
            a closed
            """, Need.RejectsLongIdentifiers),
        V5("What a client sends behind a CONNECT that is rejected is not processed", "MQTT-3.1.4-6 MQTT-3.1.4-2", """
            s connects
            s subscribes "~/t" 00
            a > 10[ "MQTT" 05 02 0000 (15 "~none") "~a" ] 30[ "~/t" () 'x' ]
            a refused 8C|87
            s quiet
            """),
        V311("What a client sends behind a CONNECT that is rejected is not processed", "MQTT311-3.1.4-5", """
            s connects
            s subscribes "~/t" 00
            a > 10[ "MQTT" 04 00 0000 "" ] 30[ "~/t" 'x' ]
            a refused
            s quiet
            """),
    ];

    public static IEnumerable<TheoryDataRow<string>> Rows => Table.Rows;

    [Theory]
    [MemberData(nameof(Rows))]
    public Task Client_identifiers(string row) => Table.RunAsync(row, broker);
}
