using Antiphon.Conformance.Brokers;
using static Antiphon.Conformance.Cases.Case;

namespace Antiphon.Conformance.Cases.Subscribing;

/// <summary>MQTT 5 §3.8, §3.9, §3.3.4; MQTT 3.1.1 §3.8, §3.9: subscribing, and what comes of it.</summary>
public sealed class SubscribeCases(BrokerUnderTest broker)
{
    private static readonly CaseTable Table =
    [
        Both(
            "SUBSCRIBE is answered by SUBACK with its identifier and a code",
            "MQTT-3.8.4-1 MQTT-3.8.4-2 MQTT-3.8.4-6 MQTT-3.8.4-7 MQTT-2.2.1-6 MQTT-2.2.2-1 MQTT311-3.8.4-1 MQTT311-3.8.4-2 "
            + "MQTT311-3.8.4-5 MQTT311-2.3.1-7",
            """
            a connects
            a > 82[ FFFF () "~/t" 00 ]
            a < 90[ FFFF (*) 00 ]
            a > 82[ 0001 () "~/u" 01 ]
            a < 90[ 0001 (*) 01 ] or 90[ 0001 (*) 00 ]
            """),
        Both(
            "Each filter has its code in SUBACK, in their order",
            "MQTT-3.8.4-5 MQTT-3.8.4-6 MQTT-3.9.3-1 MQTT-3.9.3-2 MQTT311-3.8.4-4 MQTT311-3.8.4-5 MQTT311-3.9.3-1 MQTT311-3.9.3-2",
            """
            a connects
            a > 82[ 0001 () "~/a" 02 "~/b" 00 "~/c" 01 "~/d" 02 ]
            a < 90[ 0001 (*) 02 00 01 02 ]
            """, Need.QoS2),
        Both("Several filters in one SUBSCRIBE work as single ones", "MQTT-3.8.4-5 MQTT311-3.8.4-4", """
            a connects
            a > 82[ 0001 () "~/a" 00 "~/b/+" 00 ]
            a < 90[ 0001 (*) 00 00 ]
            p connects
            p > 30[ "~/a" () '1' ] 30[ "~/b/x" () '2' ] 30[ "~/b" () '3' ]
            a < 30[ "~/a" () '1' ]
            a < 30[ "~/b/x" () '2' ]
            a quiet
            """),
        Both(
            "The same filter twice in one SUBSCRIBE is one subscription, as the last says",
            "MQTT-3.8.4-5 MQTT-3.8.4-3 MQTT311-3.8.4-4 MQTT311-3.8.4-3",
            """
            a connects
            a > 82[ 0001 () "~/t" 01 "~/t" 00 ]
            a < 90[ 0001 (*) 01 00 ]
            p connects
            p > 32[ "~/t" 0001 () 'x' ]
            p < 40[ 0001 ok ]
            a < 30[ "~/t" () 'x' ]
            a quiet
            """, Need.QoS1),
        Both("A filter that the Session has already replaces the subscription", "MQTT-3.8.4-3 MQTT311-3.8.4-3", """
            a connects
            a subscribes "~/t" 00
            a subscribes "~/t" 01
            p connects
            p > 32[ "~/t" 0001 () 'x' ]
            p < 40[ 0001 ok ]
            a < 32[ "~/t" <id> () 'x' ]
            a quiet
            a subscribes "~/t" 00
            p > 32[ "~/t" 0002 () 'y' ]
            p < 40[ 0002 ok ]
            a < 30[ "~/t" () 'y' ]
            a quiet
            """, Need.QoS1),
        Both("Replacing a subscription loses no message", "MQTT-3.8.4-4 MQTT311-3.8.4-3", """
            a connects
            a subscribes "~/t" 00
            a > 30[ "~/t" () '1' ] 82[ 0001 () "~/t" 00 ] 30[ "~/t" () '2' ]
            a < 30[ "~/t" () '1' ]
            a < 90[ 0001 (*) 00 ]
            a < 30[ "~/t" () '2' ]
            a quiet
            """),
        Both("A message is delivered at the lower QoS of message and subscription", "MQTT-3.8.4-8 MQTT311-3.8.4-6", """
            a connects
            a > 82[ 0001 () "~/0" 00 "~/1" 01 "~/2" 02 ]
            a < 90[ 0001 (*) 00 01 02 ]
            p connects
            p > 34[ "~/0" 0001 () 'x' ] 34[ "~/1" 0002 () 'x' ] 34[ "~/2" 0003 () 'x' ]
            p < 50[ 0001 ok ]
            p < 50[ 0002 ok ]
            p < 50[ 0003 ok ]
            p > 62[ 0001 ] 62[ 0002 ] 62[ 0003 ]
            p < 70[ 0001 ok ]
            p < 70[ 0002 ok ]
            p < 70[ 0003 ok ]
            a < 30[ "~/0" () 'x' ]
            a < 32[ "~/1" <+1> () 'x' ]
            a < 34[ "~/2" <+2> () 'x' ]
            a > 40[ <1> ] 50[ <2> ]
            a < 62[ <2> ok ]
            a > 70[ <2> ]
            p > 32[ "~/0" 0004 () 'y' ] 32[ "~/1" 0005 () 'y' ] 32[ "~/2" 0006 () 'y' ]
            p < 40[ 0004 ok ]
            p < 40[ 0005 ok ]
            p < 40[ 0006 ok ]
            a < 30[ "~/0" () 'y' ]
            a < 32[ "~/1" <id3> () 'y' ]
            a < 32[ "~/2" <id4> () 'y' ]
            p > 30[ "~/0" () 'z' ] 30[ "~/1" () 'z' ] 30[ "~/2" () 'z' ]
            a < 30[ "~/0" () 'z' ]
            a < 30[ "~/1" () 'z' ]
            a < 30[ "~/2" () 'z' ]
            """, Need.QoS2),
        Both("With overlapping subscriptions a message comes at the highest QoS that matches", "MQTT-3.3.4-2 MQTT311-3.3.5-1", """
            a connects
            a subscribes "~/#" 00
            a subscribes "~/t" 01
            p connects
            p > 32[ "~/t" 0001 () 'x' ]
            p < 40[ 0001 ok ]
            a > C0 00
            a < 32[ "~/t" <id> () 'x' ] & D0 00 or 32[ "~/t" <id> () 'x' ] & 30[ "~/t" () 'x' ] & D0 00
            """, Need.QoS1, Need.Wildcards),
        V5("A message carries the Subscription Identifier of the subscription that it matches", "MQTT-3.3.4-3", """
            a connects
            a > 82[ 0001 (0B 01) "~/t" 00 ]
            a < 90[ 0001 (*) 00 ]
            a > 82[ 0002 (0B FFFFFF7F) "~/u" 00 ]
            a < 90[ 0002 (*) 00 ]
            a > 82[ 0003 () "~/v" 00 ]
            a < 90[ 0003 (*) 00 ]
            p connects
            p > 30[ "~/t" () 'x' ] 30[ "~/u" () 'y' ] 30[ "~/v" () 'z' ]
            a < 30[ "~/t" (0B 01) 'x' ]
            a < 30[ "~/u" (0B FFFFFF7F) 'y' ]
            a < 30[ "~/v" () 'z' ]
            """, Need.SubscriptionIdentifiers),
        V5(
            "With overlapping subscriptions each identifier goes with the message, in one copy or several",
            "MQTT-3.3.4-3 MQTT-3.3.4-4 MQTT-3.3.4-5",
            """
            a connects
            a > 82[ 0001 (0B 01) "~/+" 00 ]
            a < 90[ 0001 (*) 00 ]
            a > 82[ 0002 (0B 8001) "~/t" 00 ]
            a < 90[ 0002 (*) 00 ]
            p connects
            p > 30[ "~/t" () 'x' ]
            a > C0 00
            a < 30[ "~/t" (0B 01, 0B 8001) 'x' ] & D0 00 or 30[ "~/t" (0B 01) 'x' ] & 30[ "~/t" (0B 8001) 'x' ] & D0 00
            """, Need.SubscriptionIdentifiers, Need.Wildcards),
        V5("Overlapping subscriptions of one identifier send it once a subscription", "MQTT-3.3.4-3 MQTT-3.3.4-4 MQTT-3.3.4-5", """
            a connects
            a > 82[ 0001 (0B 05) "~/+" 00 "~/t" 00 ]
            a < 90[ 0001 (*) 00 00 ]
            p connects
            p > 30[ "~/t" () 'x' ]
            a > C0 00
            a < 30[ "~/t" (0B 05, 0B 05) 'x' ] & D0 00 or 30[ "~/t" (0B 05) 'x' ] & D0 00 or 30[ "~/t" (0B 05) 'x' ] & 30[ "~/t" (0B 05) 'x' ] & D0 00
            """, Need.SubscriptionIdentifiers, Need.Wildcards),
        V5("A subscription that replaces another takes its identifier, or the lack of one", "MQTT-3.8.4-3 MQTT-3.3.4-3", """
            a connects
            a > 82[ 0001 (0B 01) "~/t" 00 ]
            a < 90[ 0001 (*) 00 ]
            a > 82[ 0002 (0B 02) "~/t" 00 ]
            a < 90[ 0002 (*) 00 ]
            p connects
            p > 30[ "~/t" () 'x' ]
            a < 30[ "~/t" (0B 02) 'x' ]
            a > 82[ 0003 () "~/t" 00 ]
            a < 90[ 0003 (*) 00 ]
            p > 30[ "~/t" () 'y' ]
            a < 30[ "~/t" () 'y' ]
            """, Need.SubscriptionIdentifiers),
        V5("A Subscription Identifier lasts as long as its Session", "MQTT-3.3.4-3 MQTT-3.1.2-23", """
            a connects (11 0000003C)
            a > 82[ 0001 (0B 07) "~/t" 01 ]
            a < 90[ 0001 (*) 01 ]
            a > E0 00
            a closed
            p connects
            p > 32[ "~/t" 0001 () 'x' ]
            p < 40[ 0001 ok ]
            b > 10[ "MQTT" 05 00 0000 (11 0000003C) "~a" ]
            b < 20[ 01 00 (*) ]
            b < 32[ "~/t" <id> (0B 07) 'x' ]
            """, Need.SubscriptionIdentifiers, Need.QoS1),
        V5("With No Local a client's own messages do not come back", "MQTT-3.8.3-3", """
            a connects
            a subscribes "~/t" 04
            b connects
            b subscribes "~/t" 04
            a > 30[ "~/t" () 'x' ]
            b < 30[ "~/t" () 'x' ]
            a quiet
            b > 30[ "~/t" () 'y' ]
            a < 30[ "~/t" () 'y' ]
            """),
        Both("Without No Local a client's own messages come back", "MQTT-3.8.3-3 MQTT311-4.5.0-1", """
            a connects
            a subscribes "~/t" 00
            a > 30[ "~/t" () 'x' ]
            a < 30[ "~/t" () 'x' ]
            """),
        Both(
            "SUBSCRIBE with header flags other than 2 ends the connection",
            "MQTT-3.8.1-1 MQTT-2.1.3-1 MQTT-4.13.1-1 MQTT311-3.8.1-1 MQTT311-2.2.2-1 MQTT311-2.2.2-2",
            """
            a connects
            a > 80[ 0001 () "~/t" 00 ]
            a ends 81
            """),
        Both("A filter that is not UTF-8 ends the connection", "MQTT-3.8.3-1 MQTT-1.5.4-1 MQTT311-3.8.3-1 MQTT311-1.5.3-1", """
            a connects
            a > 82[ 0001 () s{ '~/' FF } 00 ]
            a ends 81|8F
            """),
        Both("A SUBSCRIBE without a filter ends the connection", "MQTT-3.8.3-2 MQTT-4.13.1-1 MQTT311-3.8.3-3 MQTT311-4.8.0-1", """
            a connects
            a > 82[ 0001 () ]
            a ends 82|81
            """),
        Both(
            "A SUBSCRIBE with a filter but no options ends the connection",
            "MQTT-3.8.3-2 MQTT-4.13.1-1 MQTT311-3.8.3-3 MQTT311-4.8.0-1",
            """
            a connects
            a > 82[ 0001 () "~/t" ]
            a ends 81|82
            """),
        Both("Reserved bits in the options end the connection", "MQTT-3.8.3-5 MQTT-4.13.1-1 MQTT311-3.8.3-4 MQTT311-4.8.0-1", """
            a connects
            a > 82[ 0001 () "~/t" 40 ]
            a ends 81|82
            b connects
            b > 82[ 0001 () "~/t" 80 ]
            b ends 81|82
            """),
        V311("The bits that MQTT 5 gave a meaning end the connection", "MQTT311-3.8.3-4", """
            a connects
            a > 82[ 0001 "~/t" 04 ]
            a closed
            """),
        Both("A QoS of 3 in the options ends the connection", "MQTT-4.13.1-1 MQTT311-3.8.3-4", """
            a connects
            a > 82[ 0001 () "~/t" 03 ]
            a ends 81|82
            """),
        V5("A Retain Handling of 3 ends the connection", "MQTT-4.13.1-1", """
            a connects
            a > 82[ 0001 () "~/t" 30 ]
            a ends 81|82
            """),
        Both("A SUBSCRIBE with identifier 0 ends the connection", "MQTT-4.13.1-1 MQTT311-2.3.1-1", """
            a connects
            a > 82[ 0000 () "~/t" 00 ]
            a ends 81|82
            """),
        V5("A Subscription Identifier of 0 ends the connection", "MQTT-4.13.1-1", """
            a connects
            a > 82[ 0001 (0B 00) "~/t" 00 ]
            a ends 81|82
            """),
    ];

    public static IEnumerable<TheoryDataRow<string>> Rows => Table.Rows;

    [Theory]
    [MemberData(nameof(Rows))]
    public Task Subscribe(string row) => Table.RunAsync(row, broker);
}
