using Antiphon.Conformance.Brokers;
using static Antiphon.Conformance.Cases.Case;

namespace Antiphon.Conformance.Cases.Topics;

/// <summary>MQTT 5 §4.7, §3.3.2.1; MQTT 3.1.1 §4.7: which filters match which topics, and which are none.</summary>
public sealed class MatchingCases(BrokerUnderTest broker)
{
    private static readonly CaseTable Table =
    [
        Both("A message goes only where its topic matches", "MQTT-3.3.2-3 MQTT-4.5.0-1 MQTT311-3.3.2-3 MQTT311-4.5.0-1", """
            a connects
            a subscribes "~/a/b" 00
            b connects
            b subscribes "~/a" 00
            c connects
            c subscribes "~/a/b/c" 00
            p connects
            p > 30[ "~/a/b" () 'x' ]
            a < 30[ "~/a/b" () 'x' ]
            a quiet
            b quiet
            c quiet
            """),
        Both("+ stands for one level, also for an empty one", "MQTT-4.7.1-2 MQTT-3.3.2-3 MQTT311-4.7.1-3", """
            a connects
            a subscribes "~/+/c" 00
            p connects
            p > 30[ "~/b/c" () '1' ] 30[ "~//c" () '2' ] 30[ "~/b/b/c" () '3' ] 30[ "~/c" () '4' ] 30[ "~/b/c/" () '5' ] 30[ "~/x/c" () '6' ]
            a < 30[ "~/b/c" () '1' ]
            a < 30[ "~//c" () '2' ]
            a < 30[ "~/x/c" () '6' ]
            a quiet
            """, Need.Wildcards),
        Both("# stands for the rest and for the level above it", "MQTT-4.7.1-1 MQTT-3.3.2-3 MQTT311-4.7.1-2", """
            a connects
            a subscribes "~/a/#" 00
            p connects
            p > 30[ "~/a" () '1' ] 30[ "~/a/" () '2' ] 30[ "~/a/b/c/d" () '3' ] 30[ "~/ab" () '4' ] 30[ "~" () '5' ] 30[ "~/a/z" () '6' ]
            a < 30[ "~/a" () '1' ]
            a < 30[ "~/a/" () '2' ]
            a < 30[ "~/a/b/c/d" () '3' ]
            a < 30[ "~/a/z" () '6' ]
            a quiet
            """, Need.Wildcards),
        Both("Levels may be empty, and each counts", "MQTT-4.7.3-4 MQTT311-4.7.3-4", """
            a connects
            a subscribes "/~" 00
            b connects
            b subscribes "~" 00
            c connects
            c subscribes "~/" 00
            p connects
            p > 30[ "/~" () '1' ] 30[ "~" () '2' ] 30[ "~/" () '3' ]
            a < 30[ "/~" () '1' ]
            a quiet
            b < 30[ "~" () '2' ]
            b quiet
            c < 30[ "~/" () '3' ]
            c quiet
            """),
        Both("Topics are matched as they are: by case, and by their bytes", "MQTT-4.7.3-4 MQTT311-4.7.3-4", """
            a connects
            a subscribes "~/A" 00
            b connects
            b subscribes s{ '~/' C3 A9 } 00
            p connects
            p > 30[ "~/a" () '1' ] 30[ "~/A" () '2' ] 30[ s{ '~/' 65 CC 81 } () '3' ] 30[ s{ '~/' C3 A9 } () '4' ] 30[ "~/A " () '5' ]
            a < 30[ "~/A" () '2' ]
            a quiet
            b < 30[ s{ '~/' C3 A9 } () '4' ]
            b quiet
            """),
        Both("A filter that begins with + does not match a topic that begins with $", "MQTT-4.7.2-1 MQTT311-4.7.2-1", """
            a connects
            a subscribes "+/~" 00
            p connects
            p > 30[ "$x/~" () '1' ] 30[ "x/~" () '2' ]
            a < 30[ "x/~" () '2' ]
            a quiet
            """, Need.Wildcards),
        Both("A filter that begins with + and ends with # does not match a topic that begins with $", "MQTT-4.7.2-1 MQTT311-4.7.2-1", """
            a connects
            a subscribes "+/~/#" 00
            p connects
            p > 30[ "$x/~/y" () '1' ] 30[ "x/~/y" () '2' ]
            a < 30[ "x/~/y" () '2' ]
            a quiet
            """, Need.Wildcards),
        Both("A $ elsewhere is a character like others", "MQTT-4.7.2-1 MQTT311-4.7.2-1", """
            a connects
            a subscribes "~/+" 00
            p connects
            p > 30[ "~/$x" () '1' ]
            a < 30[ "~/$x" () '1' ]
            """, Need.Wildcards),
        Both("# that is not a level of its own makes no filter", "MQTT-4.7.1-1 MQTT311-4.7.1-2", """
            a connects
            a > 82[ 0001 () "~/a#" 00 ]
            a < 90[ 0001 (*) 80+ ] or E0[ 81|82|8F * ] or closed
            """),
        Both("# that is not the last level makes no filter", "MQTT-4.7.1-1 MQTT311-4.7.1-2", """
            a connects
            a > 82[ 0001 () "~/#/a" 00 ]
            a < 90[ 0001 (*) 80+ ] or E0[ 81|82|8F * ] or closed
            """),
        Both("+ that is not a level of its own makes no filter", "MQTT-4.7.1-2 MQTT311-4.7.1-3", """
            a connects
            a > 82[ 0001 () "~/a+/b" 00 ]
            a < 90[ 0001 (*) 80+ ] or E0[ 81|82|8F * ] or closed
            """),
        Both("A filter of no characters is none", "MQTT-4.7.3-1 MQTT311-4.7.3-1", """
            a connects
            a > 82[ 0001 () "" 00 ]
            a < 90[ 0001 (*) 80+ ] or E0[ 81|82|8F * ] or closed
            """),
        Both("A filter with U+0000 ends the connection", "MQTT-4.7.3-2 MQTT-1.5.4-2 MQTT311-4.7.3-2 MQTT311-1.5.3-2", """
            a connects
            a > 82[ 0001 () s{ '~/' 00 'x' } 00 ]
            a ends 81|8F
            """),
        Both("A filter of 65,535 bytes holds", "MQTT-4.7.3-3 MQTT311-4.7.3-3", """
            a connects
            a subscribes s{ '~/' 61*65521 } 00
            p connects
            p > 30[ s{ '~/' 61*65521 } () 'x' ]
            a < 30[ s{ '~/' 61*65521 } () 'x' ]
            """),
    ];

    public static IEnumerable<TheoryDataRow<string>> Rows => Table.Rows;

    [Theory]
    [MemberData(nameof(Rows))]
    public Task Matching(string row) => Table.RunAsync(row, broker);
}
