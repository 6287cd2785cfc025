using Antiphon.Conformance.Wire;

namespace Antiphon.Conformance.Brokers;

/// <summary>What a broker says of itself in the CONNACK, in both versions.</summary>
internal sealed class Features
{
    private readonly Dictionary<byte, byte[]> _told;
    private readonly bool _serves5;
    private readonly bool _serves311;

    private readonly HashSet<Need> _seen;

    private Features(Dictionary<byte, byte[]>? told, bool serves311, HashSet<Need> seen)
    {
        _serves5 = told is not null;
        _told = told ?? [];
        _serves311 = serves311;
        _seen = seen;
    }

    public static async Task<Features> AskAsync(System.Net.DnsEndPoint broker, CancellationToken cancellationToken)
    {
        var connack = await AnswerAsync(broker, """10[ "MQTT" 05 02 0000 (19 01) "~features" ]""", cancellationToken);
        var told = connack is [0x20, _, _, 0x00, ..] ? ReadConnack(connack) : null;
        var old = await AnswerAsync(broker, """10[ "MQTT" 04 02 0000 "~old" ]""", cancellationToken);
        var seen = new HashSet<Need>();
        async Task SeeAsync(Need need, string connect, Func<byte[]?, bool> answer)
        {
            if (answer(await AnswerAsync(broker, connect, cancellationToken)))
            {
                seen.Add(need);
            }
        }

        await SeeAsync(Need.AssignedIdentifiers, """10[ "MQTT" 05 02 0000 () "" ]""", Accepts);
        await SeeAsync(Need.RejectsLongIdentifiers, """10[ "MQTT" 05 02 0000 () "~~~" ]""", answer => !Accepts(answer));
        await SeeAsync(Need.Riddle, """10[ "MQTT" 05 02 0000 (15 "RIDDLE") "~" ]""", answer => answer is [0xF0, ..]);
        await SeeAsync(Need.Passwords, """10[ "MQTT" 05 C2 0000 () "~" "user" "wrong" ]""", answer => !Accepts(answer));
        await SeeAsync(
            Need.RefusesSystemTopics,
            """10[ "MQTT" 05 02 0000 (17 00) "~" ] 32[ "$SYS/~" 0001 () 'x' ]""",
            answer => answer is [0x40, _, _, _, >= 0x80, ..]);
        return new Features(told, old is [0x20, 0x02, 0x00, 0x00], seen);
    }

    /// <summary>Why a case that needs these cannot run; <c>null</c> if it can.</summary>
    public string? WhyNot(IEnumerable<Need> needs) => needs.Select(WhyNot).FirstOrDefault(why => why is not null);

    /// <summary>Why a case that needs this cannot run; <c>null</c> if it can.</summary>
    public string? WhyNot(Need need) => need switch
    {
        Need.Mqtt311 => _serves311 ? null : "it does not serve MQTT 3.1.1",
        Need.Mqtt5 => _serves5 ? null : "it does not serve MQTT 5",
        Need.QoS1 => Told(0x24) >= 1 ? null : "its Maximum QoS is 0",
        Need.QoS2 => Told(0x24) == 2 ? null : $"its Maximum QoS is {Told(0x24)}",
        Need.Retain => Told(0x25) == 1 ? null : "its Retain Available is 0",
        Need.Wildcards => Told(0x28) == 1 ? null : "its Wildcard Subscription Available is 0",
        Need.SharedSubscriptions => Told(0x2A) == 1 ? null : "its Shared Subscription Available is 0",
        Need.SubscriptionIdentifiers => Told(0x29) == 1 ? null : "its Subscription Identifier Available is 0",
        Need.TopicAliases => Told(0x22) >= 2 ? null : $"its Topic Alias Maximum is {Told(0x22)}",
        Need.LimitedTopicAliases => Told(0x22) < 65_535 ? null : "its Topic Alias Maximum is 65,535",
        Need.LimitedReceiveMaximum => Told(0x21) < 65_535 ? null : "its Receive Maximum is 65,535",
        Need.LimitedPacketSize => Told(0x27) <= 16 * 1024 * 1024 ? null : "it tells no Maximum Packet Size of 16 MiB or less",
        Need.ResponseInformation => _told.ContainsKey(0x1A) ? null : "it tells no Response Information",
        Need.LacksQoS2 => Told(0x24) < 2 ? null : "it has QoS 2",
        Need.LacksRetain => Told(0x25) == 0 ? null : "it keeps retained messages",
        Need.AssignedIdentifiers => _seen.Contains(need) ? null : "it lets nobody in without a client identifier",
        Need.RejectsLongIdentifiers => _seen.Contains(need) ? null : "it takes client identifiers of more than 23 bytes",
        Need.Riddle => _seen.Contains(need) ? null : "it has no authentication method RIDDLE",
        Need.Passwords => _seen.Contains(need) ? null : "it asks for no password",
        Need.RefusesSystemTopics => _seen.Contains(need) ? null : "it does not say in PUBACK that it refuses messages to $SYS",
        _ => throw new ArgumentOutOfRangeException(nameof(need), need, "Nobody said how to find out."),
    };

    /// <summary>The number that the CONNACK tells in a property; the default of MQTT 5 where it tells none.</summary>
    public long Told(byte property) => Told(property, property switch
    {
        0x21 => 65_535,
        0x22 => 0,
        0x24 => 2,
        0x27 => 268_435_460,
        _ => 1,
    });

    private long Told(byte property, long otherwise) =>
        _told.TryGetValue(property, out var bytes) ? bytes.Skip(1).Aggregate(0L, (value, one) => value << 8 | one) : otherwise;

    private static Dictionary<byte, byte[]> ReadConnack(byte[] connack)
    {
        ReadOnlySpan<byte> rest = connack.AsSpan(1);
        if (!VariableInteger.TryRead(ref rest, out _))
        {
            return [];
        }

        rest = rest[2..];
        if (!VariableInteger.TryRead(ref rest, out var length) || length != rest.Length || PropertyBlock.Split(rest) is not { } properties)
        {
            throw new FormatException($"This CONNACK has no property list: {Convert.ToHexString(connack)}");
        }

        return properties.Where(property => property[0] != 0x26).ToDictionary(property => property[0]);
    }

    /// <summary>The answer to CONNECT; where another packet follows, the answer to that.</summary>
    private static async Task<byte[]?> AnswerAsync(System.Net.DnsEndPoint broker, string connect, CancellationToken cancellationToken)
    {
        var bytes = new List<byte>();
        var scope = new Scope(
            ProtocolVersion.V5, BrokerUnderTest.NewUnique(), _ => throw new FormatException("The broker has not been asked yet."));
        Node.Write(Notation.Read(connect), bytes, scope);
        await using var connection = await RawConnection.OpenAsync(broker, cancellationToken);
        await connection.TrySendAsync(bytes.ToArray(), cancellationToken);
        var answer = await connection.ReceiveAsync(cancellationToken);
        return Accepts(answer) && bytes.Count > 2 + bytes[1] ? await connection.ReceiveAsync(cancellationToken) : answer;
    }

    private static bool Accepts(byte[]? answer) => answer is [0x20, _, _, 0x00, ..];
}
