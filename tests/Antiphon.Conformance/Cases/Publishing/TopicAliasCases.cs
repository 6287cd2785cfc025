using Antiphon.Conformance.Brokers;
using static Antiphon.Conformance.Cases.Case;

namespace Antiphon.Conformance.Cases.Publishing;

/// <summary>MQTT 5 §3.3.2.3.4: a number in place of a Topic Name.</summary>
public sealed class TopicAliasCases(BrokerUnderTest broker)
{
    private static readonly CaseTable Table =
    [
        V5("An alias stands for the Topic Name that it came with", "MQTT-3.3.2-12", """
            a connects
            a subscribes "~/+" 00
            p connects
            p > 30[ "~/t" (23 0001) 'x' ] 30[ "" (23 0001) 'y' ]
            a < 30[ "~/t" () 'x' ]
            a < 30[ "~/t" () 'y' ]
            """, Need.TopicAliases),
        V5("An alias stands for the newest Topic Name that it came with", "MQTT-3.3.2-12", """
            a connects
            a subscribes "~/+" 00
            p connects
            p > 30[ "~/t" (23 0001) 'x' ] 30[ "~/u" (23 0001) 'y' ] 30[ "" (23 0001) 'z' ]
            a < 30[ "~/t" () 'x' ]
            a < 30[ "~/u" () 'y' ]
            a < 30[ "~/u" () 'z' ]
            """, Need.TopicAliases),
        V5("The first and the last of the aliases allowed are accepted side by side", "MQTT-3.3.2-12", """
            a connects
            a subscribes "~/+" 00
            p connects
            p > 30[ "~/t" (23 0001) 'x' ] 30[ "~/u" (23 @22) 'y' ] 30[ "" (23 0001) 'x2' ] 30[ "" (23 @22) 'y2' ]
            a < 30[ "~/t" () 'x' ]
            a < 30[ "~/u" () 'y' ]
            a < 30[ "~/t" () 'x2' ]
            a < 30[ "~/u" () 'y2' ]
            """, Need.TopicAliases),
        V5("An alias holds for every QoS", "MQTT-3.3.2-12", """
            a connects
            a subscribes "~/t" 00
            p connects
            p > 32[ "~/t" 0001 (23 0001) 'x' ]
            p < 40[ 0001 ok ]
            p > 32[ "" 0002 (23 0001) 'y' ]
            p < 40[ 0002 ok ]
            a < 30[ "~/t" () 'x' ]
            a < 30[ "~/t" () 'y' ]
            """, Need.TopicAliases, Need.QoS1),
        V5("An alias ends with its connection", "MQTT-3.3.2-7", """
            p connects (11 0000003C)
            p > 30[ "~/t" (23 0001) 'x' ]
            p quiet
            p > E0 00
            p closed
            q > 10[ "MQTT" 05 00 0000 (11 0000003C) "~p" ]
            q < 20[ 01 00 (*) ]
            q > 30[ "" (23 0001) 'y' ]
            q ends 82
            """, Need.TopicAliases),
        V5("An alias is that of its connection alone", "MQTT-3.3.2-7", """
            p connects
            p > 30[ "~/t" (23 0001) 'x' ]
            p quiet
            q connects
            q > 30[ "" (23 0001) 'y' ]
            q ends 82
            """, Need.TopicAliases),
        V5("Alias 0 ends the connection", "MQTT-3.3.2-8 MQTT-4.13.1-1", """
            p connects
            p > 30[ "~/t" (23 0000) 'x' ]
            p ends 94|81|82
            """),
        V5("An alias above the Topic Alias Maximum ends the connection", "MQTT-3.3.2-12 MQTT-4.13.1-1", """
            p connects
            p > 30[ "~/t" (23 @22+1) 'x' ]
            p ends 94
            """, Need.LimitedTopicAliases),
        V5("An alias that stands for nothing ends the connection", "MQTT-3.3.2-7 MQTT-4.13.1-1", """
            p connects
            p > 30[ "" (23 0002) 'x' ]
            p ends 82
            """, Need.TopicAliases),
    ];

    public static IEnumerable<TheoryDataRow<string>> Rows => Table.Rows;

    [Theory]
    [MemberData(nameof(Rows))]
    public Task Topic_aliases(string row) => Table.RunAsync(row, broker);
}
