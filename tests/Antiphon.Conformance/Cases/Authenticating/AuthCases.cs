using Antiphon.Conformance.Brokers;
using static Antiphon.Conformance.Cases.Case;

namespace Antiphon.Conformance.Cases.Authenticating;

/// <summary>MQTT 5 §3.15, §4.12: AUTH from a client that has not begun enhanced authentication.</summary>
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
    ];

    public static IEnumerable<TheoryDataRow<string>> Rows => Table.Rows;

    [Theory]
    [MemberData(nameof(Rows))]
    public Task Auth(string row) => Table.RunAsync(row, broker);
}
