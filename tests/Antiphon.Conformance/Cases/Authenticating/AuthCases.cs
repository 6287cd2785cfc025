using Antiphon.Conformance.Brokers;
using static Antiphon.Conformance.Cases.Case;

namespace Antiphon.Conformance.Cases.Authenticating;

/// <summary>MQTT 5 §3.15, §4.12: enhanced authentication, and AUTH from a client that has not begun it.</summary>
public sealed class AuthCases(BrokerUnderTest broker)
{
    private static readonly CaseTable Table =
    [
        V5("AUTH from a client that named no method ends the connection", "MQTT-4.13.1-1 MQTT-4.12.0-6", """
            a connects
            a > F0[ 19 (15 "~none") ]
            a ends 82
            """),
        V5("AUTH without code and properties from a client that named no method ends the connection", "MQTT-4.13.1-1 MQTT-4.12.0-6", """
            a connects
            a > F0 00
            a ends 82
            """),
        V5("AUTH with header flags other than 0 ends the connection", "MQTT-3.15.1-1 MQTT-2.1.3-1 MQTT-4.13.1-1", """
            a connects
            a > F1[ 18 (15 "~none") ]
            a ends 81|82
            """),
        V5("AUTH with a reason code that does not exist ends the connection", "MQTT-3.15.2-1 MQTT-4.13.1-1", """
            a connects
            a > F0[ 55 (15 "~none") ]
            a ends 81|82
            """),
        V5(
            "A server that asks for more sends AUTH 18, and its CONNACK names the method",
            "MQTT-4.12.0-2 MQTT-4.12.0-5 MQTT-3.15.2-1 MQTT-3.2.0-1",
            """
            a > 10[ "MQTT" 05 02 0000 (15 "RIDDLE") "~" ]
            a < F0[ 18 (15 "RIDDLE", 16 "1+1", *) ]
            a > F0[ 18 (15 "RIDDLE", 16 "2") ]
            a < 20[ 00 00 (15 "RIDDLE", *) ]
            a quiet
            """, Need.Riddle),
        V5("A wrong answer is refused", "MQTT-4.12.0-4 MQTT-3.1.4-2 MQTT-3.2.2-7", """
            a > 10[ "MQTT" 05 02 0000 (15 "RIDDLE") "~" ]
            a < F0[ 18 (15 "RIDDLE", 16 "1+1", *) ]
            a > F0[ 18 (15 "RIDDLE", 16 "3") ]
            a refused 87
            """, Need.Riddle),
        V5("What a client sends before CONNACK other than AUTH and DISCONNECT ends the exchange", "MQTT-3.1.2-30 MQTT-4.13.1-1", """
            s connects
            s subscribes "~/t" 00
            a > 10[ "MQTT" 05 02 0000 (15 "RIDDLE") "~" ]
            a < F0[ 18 (15 "RIDDLE", 16 "1+1", *) ]
            a > 30[ "~/t" () 'x' ]
            a refused 82
            s quiet
            """, Need.Riddle),
        V5("Another method in AUTH ends the exchange", "MQTT-4.12.0-5 MQTT-4.13.1-1", """
            a > 10[ "MQTT" 05 02 0000 (15 "RIDDLE") "~" ]
            a < F0[ 18 (15 "RIDDLE", 16 "1+1", *) ]
            a > F0[ 18 (15 "OTHER", 16 "2") ]
            a refused 82|8C
            """, Need.Riddle),
        V5("Re-authentication goes the same way, beside what else is sent", "MQTT-4.12.1-1 MQTT-4.12.0-2 MQTT-4.12.0-5 MQTT-3.15.2-1", """
            a > 10[ "MQTT" 05 02 0000 (15 "RIDDLE") "~" ]
            a < F0[ 18 (15 "RIDDLE", 16 "1+1", *) ]
            a > F0[ 18 (15 "RIDDLE", 16 "2") ]
            a < 20[ 00 00 (15 "RIDDLE", *) ]
            a > F0[ 19 (15 "RIDDLE") ]
            a < F0[ 18 (15 "RIDDLE", 16 "1+1", *) ]
            a quiet
            a > F0[ 18 (15 "RIDDLE", 16 "2") ]
            a < F0[ 00 (15 "RIDDLE", *) ]
            a quiet
            """, Need.Riddle),
        V5("A failed re-authentication ends the connection", "MQTT-4.12.1-2 MQTT-4.13.2-1", """
            a > 10[ "MQTT" 05 02 0000 (15 "RIDDLE") "~" ]
            a < F0[ 18 (15 "RIDDLE", 16 "1+1", *) ]
            a > F0[ 18 (15 "RIDDLE", 16 "2") ]
            a < 20[ 00 00 (15 "RIDDLE", *) ]
            a > F0[ 19 (15 "RIDDLE") ]
            a < F0[ 18 (15 "RIDDLE", 16 "1+1", *) ]
            a > F0[ 18 (15 "RIDDLE", 16 "3") ]
            a ends 87
            """, Need.Riddle),
        V5("Re-authentication by another method ends the connection", "MQTT-4.12.1-1 MQTT-4.13.1-1", """
            a > 10[ "MQTT" 05 02 0000 (15 "RIDDLE") "~" ]
            a < F0[ 18 (15 "RIDDLE", 16 "1+1", *) ]
            a > F0[ 18 (15 "RIDDLE", 16 "2") ]
            a < 20[ 00 00 (15 "RIDDLE", *) ]
            a > F0[ 19 (15 "OTHER") ]
            a ends 82|8C
            """, Need.Riddle),
        V5("AUTH stays within the Maximum Packet Size", "MQTT-3.15.2-2 MQTT-3.15.2-3 MQTT-3.1.2-24", """
            a takes 48
            a > 10[ "MQTT" 05 02 0000 (15 "RIDDLE", 27 00000030) "~" ]
            a < F0[ 18 (15 "RIDDLE", 16 "1+1", *) ]
            a > F0[ 18 (15 "RIDDLE", 16 "3") ]
            a refused 87
            """, Need.Riddle),
        Both(
            "The right password is let in",
            "MQTT-3.1.4-5 MQTT-3.1.2-17 MQTT-3.1.2-19 MQTT311-3.1.4-4 MQTT311-3.1.2-19 MQTT311-3.1.2-21",
            """
            a > 10[ "MQTT" VV C2 0000 () "~" "user" "secret" ]
            a < 20[ 00 00 (*) ]
            a quiet
            """, Need.Passwords),
        Both("A wrong password is refused", "MQTT-3.1.4-2 MQTT-3.2.2-6 MQTT-3.2.2-7 MQTT-3.2.2-8 MQTT311-3.2.2-4 MQTT311-3.2.2-5", """
            a > 10[ "MQTT" VV C2 0000 () "~" "user" "wrong" ]
            a refused 86|87
            """, Need.Passwords),
    ];

    public static IEnumerable<TheoryDataRow<string>> Rows => Table.Rows;

    [Theory]
    [MemberData(nameof(Rows))]
    public Task Auth(string row) => Table.RunAsync(row, broker);
}
