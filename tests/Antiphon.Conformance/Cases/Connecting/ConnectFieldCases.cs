using Antiphon.Conformance.Brokers;
using static Antiphon.Conformance.Cases.Case;

namespace Antiphon.Conformance.Cases.Connecting;

/// <summary>MQTT 5 §3.1.2.3 to §3.1.2.9, §3.1.3; MQTT 3.1.1 §3.1.2: the Connect Flags, and the fields that they announce.</summary>
public sealed class ConnectFieldCases(BrokerUnderTest broker)
{
    private static readonly CaseTable Table =
    [
        Both("A reserved Connect Flag that is set is refused", "MQTT-3.1.2-3 MQTT-3.1.4-1 MQTT311-3.1.2-3 MQTT311-3.1.4-1", """
            a > 10[ "MQTT" VV 03 0000 () "~" ]
            a refused 81
            """),
        Both("CONNECT with header flags other than 0 is refused", "MQTT-2.1.3-1 MQTT-3.1.4-1 MQTT311-2.2.2-1 MQTT311-2.2.2-2", """
            a > 11[ "MQTT" VV 02 0000 () "~" ]
            a refused 81
            """),
        Both("A Will Flag without the fields of a will is refused", "MQTT-3.1.2-9 MQTT-3.1.4-1 MQTT311-3.1.2-9 MQTT311-3.1.4-1", """
            a > 10[ "MQTT" VV 06 0000 () "~" ]
            a refused 81
            """),
        Both("A Will Flag with a topic but no payload is refused", "MQTT-3.1.2-9 MQTT-3.1.4-1 MQTT311-3.1.2-9 MQTT311-3.1.4-1", """
            a > 10[ "MQTT" VV 06 0000 () "~" () "~/w" ]
            a refused 81
            """),
        Both("A Will QoS without the Will Flag is refused", "MQTT-3.1.2-11 MQTT311-3.1.2-11 MQTT311-3.1.2-13", """
            a > 10[ "MQTT" VV 0A 0000 () "~" ]
            a refused 81
            """),
        Both("A Will QoS of 3 is refused", "MQTT-3.1.2-12 MQTT311-3.1.2-14", """
            a > 10[ "MQTT" VV 1E 0000 () "~" () "~/w" "gone" ]
            a refused 81
            """),
        Both("Will Retain without the Will Flag is refused", "MQTT-3.1.2-13 MQTT311-3.1.2-11 MQTT311-3.1.2-15", """
            a > 10[ "MQTT" VV 22 0000 () "~" ]
            a refused 81
            """),
        Both("A user name without its flag is refused", "MQTT-3.1.2-16 MQTT311-3.1.2-18", """
            a > 10[ "MQTT" VV 02 0000 () "~" "user" ]
            a refused 81
            """),
        Both("A User Name Flag without a user name is refused", "MQTT-3.1.2-17 MQTT311-3.1.2-19", """
            a > 10[ "MQTT" VV 82 0000 () "~" ]
            a refused 81
            """),
        Both("A password without its flag is refused", "MQTT-3.1.2-18 MQTT311-3.1.2-20", """
            a > 10[ "MQTT" VV 82 0000 () "~" "user" "secret" ]
            a refused 81
            """),
        Both("A Password Flag without a password is refused", "MQTT-3.1.2-19 MQTT311-3.1.2-21", """
            a > 10[ "MQTT" VV C2 0000 () "~" "user" ]
            a refused 81
            """),
        V311("A CONNECT for whose fault there is no return code is closed without CONNACK", "MQTT311-3.2.2-6 MQTT311-3.1.4-1", """
            a > 10[ "MQTT" 04 03 0000 "~" ]
            a closed
            b > 10[ "MQTT" 04 1E 0000 "~" "~/w" "gone" ]
            b closed
            c > 10[ "MQTT" 04 82 0000 "~" ]
            c closed
            """),
        V311("A password without a user name is refused", "MQTT311-3.1.2-22", """
            a > 10[ "MQTT" 04 42 0000 "~" "secret" ]
            a refused
            """),
        Both("A client identifier that is not UTF-8 is refused", "MQTT-3.1.3-4 MQTT-1.5.4-1 MQTT311-3.1.3-4 MQTT311-1.5.3-1", """
            a > 10[ "MQTT" VV 02 0000 () s{ '~' FF } ]
            a refused 81|85
            """),
        Both("A will topic that is not UTF-8 is refused", "MQTT-3.1.3-11 MQTT-1.5.4-1 MQTT311-3.1.3-10 MQTT311-1.5.3-1", """
            a > 10[ "MQTT" VV 06 0000 () "~" () s{ '~' C3 } "gone" ]
            a refused 81
            """),
        Both("A user name that is not UTF-8 is refused", "MQTT-3.1.3-12 MQTT-1.5.4-1 MQTT311-3.1.3-11 MQTT311-1.5.3-1", """
            a > 10[ "MQTT" VV 82 0000 () "~" s{ 80 } ]
            a refused 81
            """),
        Both("A will topic with a wildcard is refused", "MQTT-4.7.0-1 MQTT-3.1.4-1 MQTT311-4.7.1-1", """
            a > 10[ "MQTT" VV 06 0000 () "~" () "~/+" "gone" ]
            a refused 81|82|90
            """),
        Both("A CONNECT without a client identifier field is refused", "MQTT-3.1.4-1 MQTT311-3.1.3-3 MQTT311-3.1.4-1", """
            a > 10[ "MQTT" VV 02 0000 () ]
            a refused 81
            """),
        V5("A CONNECT whose property list is missing is refused", "MQTT-2.2.2-1 MQTT-3.1.4-1", """
            a > 10[ "MQTT" 05 02 0000 ]
            a refused 81
            """),
        V5("A property that does not belong to CONNECT is refused", "MQTT-3.1.4-1", """
            a > 10[ "MQTT" 05 02 0000 (23 0001) "~" ]
            a refused 81|82
            """),
        V5("A property that does not exist is refused", "MQTT-3.1.4-1", """
            a > 10[ "MQTT" 05 02 0000 (7E 01) "~" ]
            a refused 81|82
            """),
        V5("A Receive Maximum of 0 is refused", "MQTT-3.1.4-1 MQTT-4.9.0-1", """
            a > 10[ "MQTT" 05 02 0000 (21 0000) "~" ]
            a refused 82
            """),
        V5("A Maximum Packet Size of 0 is refused", "MQTT-3.1.4-1", """
            a > 10[ "MQTT" 05 02 0000 (27 00000000) "~" ]
            a refused 82
            """),
        V5("A property twice is refused", "MQTT-3.1.4-1", """
            a > 10[ "MQTT" 05 02 0000 (11 00000001, 11 00000001) "~" ]
            a refused 82
            """),
        V5("Request Problem Information of 2 is refused", "MQTT-3.1.4-1", """
            a > 10[ "MQTT" 05 02 0000 (17 02) "~" ]
            a refused 82
            """),
        V5("Request Response Information of 2 is refused", "MQTT-3.1.4-1", """
            a > 10[ "MQTT" 05 02 0000 (19 02) "~" ]
            a refused 82
            """),
        V5("Authentication Data without a method is refused", "MQTT-3.1.4-1", """
            a > 10[ "MQTT" 05 02 0000 (16 s{ 01 }) "~" ]
            a refused 82
            """),
        V5("User Properties in CONNECT may repeat", "MQTT-1.5.7-1 MQTT-3.1.4-5", """
            a > 10[ "MQTT" 05 02 0000 (26 "n" "1", 26 "n" "1", 26 "" "") "~" ]
            a < 20[ 00 00 (*) ]
            """),
        V5("A User Property whose value is not UTF-8 is refused", "MQTT-1.5.7-1", """
            a > 10[ "MQTT" 05 02 0000 (26 "n" s{ ED A0 80 }) "~" ]
            a refused 81
            """),
        V5("A User Property whose name is not UTF-8 is refused", "MQTT-1.5.7-1", """
            a > 10[ "MQTT" 05 02 0000 (26 s{ C0 80 } "v") "~" ]
            a refused 81
            """),
    ];

    public static IEnumerable<TheoryDataRow<string>> Rows => Table.Rows;

    [Theory]
    [MemberData(nameof(Rows))]
    public Task Connect_fields(string row) => Table.RunAsync(row, broker);
}
