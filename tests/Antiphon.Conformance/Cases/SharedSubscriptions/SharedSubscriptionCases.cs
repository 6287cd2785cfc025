using Antiphon.Conformance.Brokers;
using static Antiphon.Conformance.Cases.Case;

namespace Antiphon.Conformance.Cases.SharedSubscriptions;

/// <summary>MQTT 5 §4.8.2: one message for a group of clients.</summary>
public sealed class SharedSubscriptionCases(BrokerUnderTest broker)
{
    private static readonly CaseTable Table =
    [
        V5("One client of the group gets a message, and each group gets its own", "MQTT-4.8.2-1", """
            a connects
            a subscribes "$share/~/~/t" 00
            a2 connects
            a2 subscribes "$share/~b/~/t" 00
            c connects
            c subscribes "~/t" 00
            p connects
            p > 30[ "~/t" () 'x' ]
            a < 30[ "~/t" () 'x' ]
            a2 < 30[ "~/t" () 'x' ]
            c < 30[ "~/t" () 'x' ]
            a quiet
            """, Need.SharedSubscriptions),
        V5("When one client leaves the group, another gets the messages", "MQTT-4.8.2-1 MQTT-3.10.4-1", """
            a connects
            a subscribes "$share/~/~/t" 00
            b connects
            b subscribes "$share/~/~/t" 00
            a > A2[ 0001 () "$share/~/~/t" ]
            a < B0[ 0001 (*) 00 ]
            p connects
            p > 30[ "~/t" () '1' ] 30[ "~/t" () '2' ] 30[ "~/t" () '3' ]
            b < 30[ "~/t" () '1' ]
            b < 30[ "~/t" () '2' ]
            b < 30[ "~/t" () '3' ]
            a quiet
            """, Need.SharedSubscriptions),
        V5("A share name is not part of what is matched, and wildcards behind it are", "MQTT-4.8.2-1 MQTT-4.8.2-2", """
            a connects
            a subscribes "$share/~/~/+/x/#" 00
            p connects
            p > 30[ "~/1/x/y" () '1' ] 30[ "~/1/y" () '2' ] 30[ "$share/~/~/1/x" () '3' ] 30[ "~/2/x" () '4' ]
            a < 30[ "~/1/x/y" () '1' ]
            a < 30[ "~/2/x" () '4' ]
            a quiet
            """, Need.SharedSubscriptions, Need.Wildcards),
        V5("Retained messages are not sent on a shared subscription, as §4.8.2 has it", "", """
            p connects
            p > 33[ "~/t" 0001 () 'x' ]
            p < 40[ 0001 ok ]
            a connects
            a subscribes "$share/~/~/t" 00
            a quiet
            p > 31[ "~/t" () ]
            """, Need.SharedSubscriptions, Need.Retain, Need.QoS1),
        V5("No Local on a shared subscription ends the connection", "MQTT-3.8.3-4 MQTT-4.13.1-1", """
            a connects
            a > 82[ 0001 () "$share/~/~/t" 04 ]
            a ends 82
            """, Need.SharedSubscriptions),
        V5("An empty share name makes no filter", "MQTT-4.8.2-1", """
            a connects
            a > 82[ 0001 () "$share//~/t" 00 ]
            a < 90[ 0001 (*) 80+ ] or E0[ 81|82|8F ] or E0[ 81|82|8F (*) ] or closed
            """, Need.SharedSubscriptions),
        V5("A share name with + makes no filter", "MQTT-4.8.2-2", """
            a connects
            a > 82[ 0001 () "$share/~+/~/t" 00 ]
            a < 90[ 0001 (*) 80+ ] or E0[ 81|82|8F ] or E0[ 81|82|8F (*) ] or closed
            """, Need.SharedSubscriptions),
        V5("A share name with # makes no filter", "MQTT-4.8.2-2", """
            a connects
            a > 82[ 0001 () "$share/~#/~/t" 00 ]
            a < 90[ 0001 (*) 80+ ] or E0[ 81|82|8F ] or E0[ 81|82|8F (*) ] or closed
            """, Need.SharedSubscriptions),
        V5("A share name without a filter behind it makes none", "MQTT-4.8.2-2", """
            a connects
            a > 82[ 0001 () "$share/~" 00 ]
            a < 90[ 0001 (*) 80+ ] or E0[ 81|82|8F ] or E0[ 81|82|8F (*) ] or closed
            """, Need.SharedSubscriptions),
        V5("A share name with an empty filter behind it makes none", "MQTT-4.8.2-2 MQTT-4.7.3-1", """
            a connects
            a > 82[ 0001 () "$share/~/" 00 ]
            a < 90[ 0001 (*) 80+ ] or E0[ 81|82|8F ] or E0[ 81|82|8F (*) ] or closed
            """, Need.SharedSubscriptions),
        V5("The QoS granted to the chosen client is kept to", "MQTT-4.8.2-3 MQTT-3.8.4-8", """
            a connects
            a subscribes "$share/~/~/t" 00
            b connects
            b subscribes "$share/~b/~/t" 01
            c connects
            c subscribes "$share/~c/~/t" 02
            p connects
            p > 34[ "~/t" 0001 () 'x' ]
            p < 50[ 0001 ok ]
            p > 62[ 0001 ]
            p < 70[ 0001 ok ]
            a < 30[ "~/t" () 'x' ]
            b < 32[ "~/t" <b> () 'x' ]
            c < 34[ "~/t" <c> () 'x' ]
            """, Need.SharedSubscriptions, Need.QoS2),
        V5("A QoS 2 delivery that has begun is finished with the client that it began with", "MQTT-4.8.2-4 MQTT-4.4.0-1", """
            a connects (11 0000003C)
            a subscribes "$share/~/~/t" 02
            p connects
            p > 34[ "~/t" 0001 () 'x' ]
            p < 50[ 0001 ok ]
            p > 62[ 0001 ]
            p < 70[ 0001 ok ]
            a < 34[ "~/t" <id> () 'x' ]
            b connects
            b subscribes "$share/~/~/t" 02
            a cut
            b quiet
            c > 10[ "MQTT" 05 00 0000 (11 0000003C) "~a" ]
            c < 20[ 01 00 (*) ]
            c < 3C[ "~/t" <id> () 'x' ]
            c > 50[ <id> ]
            c < 62[ <id> ok ]
            c > 70[ <id> ]
            c quiet
            b quiet
            """, Need.SharedSubscriptions, Need.QoS2),
        V5("A QoS 2 message begun with a client whose Session ends goes to no other", "MQTT-4.8.2-5", """
            a connects
            a subscribes "$share/~/~/t" 02
            p connects
            p > 34[ "~/t" 0001 () 'x' ]
            p < 50[ 0001 ok ]
            p > 62[ 0001 ]
            p < 70[ 0001 ok ]
            a < 34[ "~/t" <id> () 'x' ]
            b connects
            b subscribes "$share/~/~/t" 02
            a > E0 00
            a closed
            b quiet
            """, Need.SharedSubscriptions, Need.QoS2),
        V5("A message that a client of the group turned down goes to no other", "MQTT-4.8.2-6 MQTT-4.4.0-2", """
            a connects
            a subscribes "$share/~/~/t" 02
            p connects
            p > 32[ "~/t" 0001 () 'x' ]
            p < 40[ 0001 ok ]
            a < 32[ "~/t" <+x> () 'x' ]
            p > 34[ "~/t" 0002 () 'y' ]
            p < 50[ 0002 ok ]
            p > 62[ 0002 ]
            p < 70[ 0002 ok ]
            a < 34[ "~/t" <+y> () 'y' ]
            b connects
            b subscribes "$share/~/~/t" 02
            a > 40[ <x> 80 ] 50[ <y> 80 ]
            a quiet
            b quiet
            """, Need.SharedSubscriptions, Need.QoS2),
    ];

    public static IEnumerable<TheoryDataRow<string>> Rows => Table.Rows;

    [Theory]
    [MemberData(nameof(Rows))]
    public Task Shared_subscriptions(string row) => Table.RunAsync(row, broker);
}
