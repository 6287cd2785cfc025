using Antiphon.Conformance.Brokers;
using static Antiphon.Conformance.Cases.Case;

namespace Antiphon.Conformance.Cases.Publishing;

/// <summary>MQTT 5 §3.3.2.1, §4.7; MQTT 3.1.1 §3.3.2.1, §4.7: what a message may be published to.</summary>
public sealed class TopicNameCases(BrokerUnderTest broker)
{
    private static readonly CaseTable Table =
    [
        Both(
            "A Topic Name that is not UTF-8 ends the connection",
            "MQTT-3.3.2-1 MQTT-1.5.4-1 MQTT-4.13.1-1 MQTT311-3.3.2-1 MQTT311-1.5.3-1 MQTT311-4.8.0-1",
            """
            a connects
            a > 30[ s{ '~/' C0 AF } () 'x' ]
            a ends 81|90
            """),
        Both("A Topic Name with an encoded surrogate ends the connection", "MQTT-1.5.4-1 MQTT311-1.5.3-1", """
            a connects
            a > 30[ s{ '~/' ED A0 80 } () 'x' ]
            a ends 81|90
            """),
        Both("A Topic Name with U+0000 ends the connection", "MQTT-1.5.4-2 MQTT-4.7.3-2 MQTT311-1.5.3-2 MQTT311-4.7.3-2", """
            a connects
            a > 30[ s{ '~/' 00 } () 'x' ]
            a ends 81|90
            """),
        Both(
            "The bytes EF BB BF in a Topic Name are a character like others",
            "MQTT-1.5.4-3 MQTT-4.7.3-4 MQTT311-1.5.3-3 MQTT311-4.7.3-4",
            """
            a connects
            a subscribes s{ EF BB BF '~/t' } 00
            b connects
            b subscribes "~/t" 00
            p connects
            p > 30[ s{ EF BB BF '~/t' } () 'with' ] 30[ "~/t" () 'without' ]
            a < 30[ s{ EF BB BF '~/t' } () 'with' ]
            a quiet
            b < 30[ "~/t" () 'without' ]
            b quiet
            """),
        Both("A Topic Name with + ends the connection", "MQTT-3.3.2-2 MQTT-4.7.0-1 MQTT311-3.3.2-2 MQTT311-4.7.1-1", """
            a connects
            a > 30[ "~/+/t" () 'x' ]
            a ends 81|82|90
            """),
        Both("A Topic Name with # ends the connection", "MQTT-3.3.2-2 MQTT-4.7.0-1 MQTT311-3.3.2-2 MQTT311-4.7.1-1", """
            a connects
            a > 30[ "~/#" () 'x' ]
            a ends 81|82|90
            """),
        V5("An empty Topic Name without an alias ends the connection", "MQTT-4.7.3-1 MQTT-4.13.1-1", """
            a connects
            a > 30[ "" () 'x' ]
            a ends 82|81|90
            """),
        V311("An empty Topic Name ends the connection", "MQTT311-4.7.3-1", """
            a connects
            a > 30[ "" 'x' ]
            a closed
            """),
        Both("A Topic Name of 65,535 bytes passes", "MQTT-4.7.3-3 MQTT-3.3.2-3 MQTT311-4.7.3-3", """
            a connects
            a subscribes "~/#" 00
            p connects
            p > 30[ s{ '~/' 61*65521 } () 'x' ]
            a < 30[ s{ '~/' 61*65521 } () 'x' ]
            """),
        Both(
            "A Topic Name whose length goes beyond the packet ends the connection",
            "MQTT-3.3.2-1 MQTT-4.13.1-1 MQTT311-3.3.2-1 MQTT311-4.8.0-1",
            """
            a connects
            a > 30[ 0020 '~' ]
            a ends 81
            """),
        Both("A message may be empty, and a topic may have a blank", "MQTT-3.3.2-3 MQTT311-3.3.2-3", """
            a connects
            a subscribes "~/ a b/" 00
            p connects
            p > 30[ "~/ a b/" () ]
            a < 30[ "~/ a b/" () ]
            """),
    ];

    public static IEnumerable<TheoryDataRow<string>> Rows => Table.Rows;

    [Theory]
    [MemberData(nameof(Rows))]
    public Task Topic_names(string row) => Table.RunAsync(row, broker);
}
