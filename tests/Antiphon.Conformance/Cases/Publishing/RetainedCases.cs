using Antiphon.Conformance.Brokers;
using static Antiphon.Conformance.Cases.Case;

namespace Antiphon.Conformance.Cases.Publishing;

/// <summary>MQTT 5 §3.3.1.3, §3.8.3.1, §3.8.4; MQTT 3.1.1 §3.3.1.3: messages that are kept for who subscribes later.</summary>
public sealed class RetainedCases(BrokerUnderTest broker)
{
    private static readonly CaseTable Table =
    [
        Both(
            "A retained message goes to who subscribes later, marked as retained",
            "MQTT-3.3.1-5 MQTT-3.3.1-9 MQTT311-3.3.1-5 MQTT311-3.3.1-6 MQTT311-3.3.1-8",
            """
            p connects
            p > 33[ "~/t" 0001 () 'x' ]
            p < 40[ 0001 ok ]
            a connects
            a > 82[ 0001 () "~/t" 00 ]
            a < 90[ 0001 (*) 00 ] & 31[ "~/t" () 'x' ]
            a quiet
            p > 31[ "~/t" () ]
            """, Need.Retain, Need.QoS1),
        Both("Only the newest retained message of a topic is kept", "MQTT-3.3.1-5 MQTT311-3.3.1-5 MQTT311-3.3.1-6", """
            p connects
            p > 33[ "~/t" 0001 () 'old' ]
            p < 40[ 0001 ok ]
            p > 33[ "~/t" 0002 () 'new' ]
            p < 40[ 0002 ok ]
            a connects
            a > 82[ 0001 () "~/t" 00 ]
            a < 90[ 0001 (*) 00 ] & 31[ "~/t" () 'new' ]
            a quiet
            p > 31[ "~/t" () ]
            """, Need.Retain, Need.QoS1),
        Both("A QoS 0 retained message takes the place of the old one", "MQTT-3.3.1-5 MQTT311-3.3.1-7", """
            p connects
            p > 33[ "~/t" 0001 () 'old' ]
            p < 40[ 0001 ok ]
            p > 31[ "~/t" () 'new' ]
            p quiet
            a connects
            a > 82[ 0001 () "~/t" 01 ]
            a < 90[ 0001 (*) 01 ] & 31[ "~/t" () 'new' ]
            a quiet
            p > 31[ "~/t" () ]
            """, Need.Retain, Need.QoS1),
        Both(
            "An empty retained message is passed on and removes the retained one",
            "MQTT-3.3.1-6 MQTT-3.3.1-7 MQTT311-3.3.1-10 MQTT311-3.3.1-11",
            """
            p connects
            p > 33[ "~/t" 0001 () 'x' ]
            p < 40[ 0001 ok ]
            a connects
            a > 82[ 0001 () "~/t" 00 ]
            a < 90[ 0001 (*) 00 ] & 31[ "~/t" () 'x' ]
            p > 33[ "~/t" 0002 () ]
            p < 40[ 0002 ok ]
            a < 30[ "~/t" () ]
            b connects
            b subscribes "~/t" 00
            b quiet
            """, Need.Retain, Need.QoS1),
        Both("An empty retained message is not kept where there was none", "MQTT-3.3.1-7 MQTT311-3.3.1-11", """
            p connects
            p > 33[ "~/t" 0001 () ]
            p < 40[ 0001 ok ]
            a connects
            a subscribes "~/t" 00
            a quiet
            """, Need.Retain, Need.QoS1),
        Both("A message with RETAIN 0 leaves the retained one untouched", "MQTT-3.3.1-8 MQTT311-3.3.1-12", """
            p connects
            p > 33[ "~/t" 0001 () 'kept' ]
            p < 40[ 0001 ok ]
            p > 32[ "~/t" 0002 () 'passing' ]
            p < 40[ 0002 ok ]
            p > 32[ "~/t" 0003 () ]
            p < 40[ 0003 ok ]
            a connects
            a > 82[ 0001 () "~/t" 00 ]
            a < 90[ 0001 (*) 00 ] & 31[ "~/t" () 'kept' ]
            a quiet
            p > 31[ "~/t" () ]
            """, Need.Retain, Need.QoS1),
        Both("A message with RETAIN 0 is not kept", "MQTT-3.3.1-8 MQTT311-3.3.1-12", """
            p connects
            p > 32[ "~/t" 0001 () 'passing' ]
            p < 40[ 0001 ok ]
            a connects
            a subscribes "~/t" 00
            a quiet
            """, Need.QoS1),
        Both(
            "A wildcard subscription gets every matching retained message, and no other",
            "MQTT-3.3.1-9 MQTT-3.3.2-3 MQTT311-3.3.1-6 MQTT311-3.3.2-3",
            """
            p connects
            p > 33[ "~/1/t" 0001 () 'a' ] 33[ "~/2/t" 0002 () 'b' ] 33[ "~/2/u" 0003 () 'c' ] 33[ "~" 0004 () 'd' ]
            p < 40[ 0001 ok ] & 40[ 0002 ok ] & 40[ 0003 ok ] & 40[ 0004 ok ]
            a connects
            a > 82[ 0001 () "~/+/t" 00 ]
            a < 90[ 0001 (*) 00 ] & 31[ "~/1/t" () 'a' ] & 31[ "~/2/t" () 'b' ]
            a quiet
            b connects
            b > 82[ 0001 () "~/#" 00 ]
            b < 90[ 0001 (*) 00 ] & 31[ "~/1/t" () 'a' ] & 31[ "~/2/t" () 'b' ] & 31[ "~/2/u" () 'c' ] & 31[ "~" () 'd' ]
            b quiet
            p > 31[ "~/1/t" () ] 31[ "~/2/t" () ] 31[ "~/2/u" () ] 31[ "~" () ]
            """, Need.Retain, Need.QoS1, Need.Wildcards),
        Both("A retained message goes out at the lower QoS of message and subscription", "MQTT-3.8.4-8 MQTT311-3.8.4-6", """
            p connects
            p > 33[ "~/t" 0001 () 'x' ] 31[ "~/u" () 'y' ]
            p < 40[ 0001 ok ]
            a connects
            a > 82[ 0001 () "~/t" 01 "~/u" 01 ]
            a < 90[ 0001 (*) 01 01 ] & 33[ "~/t" <id> () 'x' ] & 31[ "~/u" () 'y' ]
            a > 40[ <id> ]
            a > 82[ 0002 () "~/t" 00 ]
            a < 90[ 0002 (*) 00 ] & 31[ "~/t" () 'x' ]
            p > 31[ "~/t" () ] 31[ "~/u" () ]
            """, Need.Retain, Need.QoS1),
        Both("Subscribing again sends the retained message again", "MQTT-3.8.4-4 MQTT-3.3.1-9 MQTT311-3.8.4-3 MQTT311-3.3.1-6", """
            p connects
            p > 33[ "~/t" 0001 () 'x' ]
            p < 40[ 0001 ok ]
            a connects
            a > 82[ 0001 () "~/t" 00 ]
            a < 90[ 0001 (*) 00 ] & 31[ "~/t" () 'x' ]
            a > 82[ 0002 () "~/t" 00 ]
            a < 90[ 0002 (*) 00 ] & 31[ "~/t" () 'x' ]
            p > 31[ "~/t" () ]
            """, Need.Retain, Need.QoS1),
        V5("Retain Handling 1 sends retained messages to a new subscription only", "MQTT-3.3.1-10", """
            p connects
            p > 33[ "~/t" 0001 () 'x' ]
            p < 40[ 0001 ok ]
            a connects
            a > 82[ 0001 () "~/t" 10 ]
            a < 90[ 0001 (*) 00 ] & 31[ "~/t" () 'x' ]
            a subscribes "~/t" 10
            a quiet
            a > A2[ 0003 () "~/t" ]
            a < B0[ 0003 (*) 00 ]
            a > 82[ 0004 () "~/t" 10 ]
            a < 90[ 0004 (*) 00 ] & 31[ "~/t" () 'x' ]
            p > 31[ "~/t" () ]
            """, Need.Retain, Need.QoS1),
        V5("Retain Handling 1 sends none to a subscription that the Session brought along", "MQTT-3.3.1-10", """
            p connects
            p > 33[ "~/t" 0001 () 'x' ]
            p < 40[ 0001 ok ]
            a connects (11 0000003C)
            a > 82[ 0001 () "~/t" 10 ]
            a < 90[ 0001 (*) 00 ] & 31[ "~/t" () 'x' ]
            a > E0 00
            a closed
            b > 10[ "MQTT" 05 00 0000 (11 0000003C) "~a" ]
            b < 20[ 01 00 (*) ]
            b subscribes "~/t" 10
            b quiet
            p > 31[ "~/t" () ]
            """, Need.Retain, Need.QoS1),
        V5("Retain Handling 2 sends no retained messages", "MQTT-3.3.1-11", """
            p connects
            p > 33[ "~/t" 0001 () 'x' ]
            p < 40[ 0001 ok ]
            a connects
            a subscribes "~/t" 20
            a quiet
            p > 30[ "~/t" () 'y' ]
            a < 30[ "~/t" () 'y' ]
            p > 31[ "~/t" () ]
            """, Need.Retain, Need.QoS1),
        Both("A retained message goes to who has subscribed already as any other", "MQTT-3.3.1-12 MQTT311-3.3.1-9", """
            a connects
            a subscribes "~/t" 00
            p connects
            p > 31[ "~/t" () 'x' ]
            a < 30[ "~/t" () 'x' ]
            p > 31[ "~/t" () ]
            """, Need.Retain),
        V5("With Retain As Published the RETAIN flag passes as it came", "MQTT-3.3.1-13", """
            a connects
            a subscribes "~/t" 08
            p connects
            p > 31[ "~/t" () 'x' ] 30[ "~/t" () 'y' ]
            a < 31[ "~/t" () 'x' ]
            a < 30[ "~/t" () 'y' ]
            p > 31[ "~/t" () ]
            a < 31[ "~/t" () ]
            """, Need.Retain),
        Both("Retained messages outlive the Session that published them", "MQTT-3.3.1-5 MQTT311-3.1.2-7", """
            p connects
            p > 33[ "~/t" 0001 () 'x' ]
            p < 40[ 0001 ok ]
            p > E0 00
            p closed
            q > 10[ "MQTT" VV 02 0000 () "~p" ]
            q < 20[ 00 00 (*) ]
            q > 82[ 0001 () "~/t" 00 ]
            q < 90[ 0001 (*) 00 ] & 31[ "~/t" () 'x' ]
            q > 31[ "~/t" () ]
            """, Need.Retain, Need.QoS1),
        V5("A retained message goes out with the Subscription Identifier of who subscribes", "MQTT-3.3.4-3", """
            p connects
            p > 33[ "~/t" 0001 () 'x' ]
            p < 40[ 0001 ok ]
            a connects
            a > 82[ 0001 (0B 07) "~/t" 00 ]
            a < 90[ 0001 (*) 00 ] & 31[ "~/t" (0B 07) 'x' ]
            p > 31[ "~/t" () ]
            """, Need.Retain, Need.QoS1, Need.SubscriptionIdentifiers),
    ];

    public static IEnumerable<TheoryDataRow<string>> Rows => Table.Rows;

    [Theory]
    [MemberData(nameof(Rows))]
    public Task Retained_messages(string row) => Table.RunAsync(row, broker);
}
