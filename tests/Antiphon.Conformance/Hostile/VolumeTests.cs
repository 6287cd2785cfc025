using System.Buffers.Binary;
using Antiphon.Conformance.Hostile.Tables;

namespace Antiphon.Conformance.Hostile;

/// <summary>
/// Good packets, but more or larger ones than anybody needs. They are served or refused by a rule,
/// the broker's memory stays bounded, and a pair beside goes on.
/// </summary>
public sealed class VolumeTests(BrokerProcess broker, ITestOutputHelper output) : IClassFixture<BrokerProcess>
{
    private const int MaximumPacketSize = 1024 * 1024;

    [Fact]
    public Task A_packet_of_256_MiB_is_refused_at_its_header_and_its_body_is_not_taken() => WatchAsync(16, async () =>
    {
        await using var client = await Peer.ConnectAsync(broker.EndPoint);
        await client.SendAsync("30 FF FF FF 7F");
        var body = new byte[64 * 1024];
        var sent = 0;
        var sending = Task.Run(async () =>
        {
            while (sent < 256 * 1024 * 1024 && await client.SendAsync(body))
            {
                sent += body.Length;
            }
        });

        await client.ExpectEndAsync(0x95);

        await sending;
        output.WriteLine($"{sent} bytes of the body were taken by the network or thrown away");
        Assert.InRange(sent, 0, 32 * 1024 * 1024);
    });

    [Fact]
    public Task A_packet_of_the_Maximum_Packet_Size_is_served_and_one_byte_more_is_not() => WatchAsync(32, async () =>
    {
        // First byte, three bytes of length, the topic "~" with its length, no properties.
        var payload = MaximumPacketSize - 4 - 2 - 12 - 1;
        await using var client = await Peer.ConnectAsync(broker.EndPoint);
        await client.SendAsync("82[ 0001 () \"~\" 00 ]");
        await client.ExpectAsync(0x90, 0x00);

        await client.SendAsync($"30[ \"~\" () 78*{payload} ]");
        Assert.Equal(MaximumPacketSize - 4, Assert.NotNull(await client.NextAsync()).Body.Length);
        await client.SendAsync($"30[ \"~\" () 78*{payload + 1} ]");
        await client.ExpectEndAsync(0x95);
    });

    [Fact]
    public Task A_packet_a_byte_at_a_time_is_a_packet() => WatchAsync(4, async () =>
    {
        await using var client = await Peer.OpenAsync(broker.EndPoint);
        const string text = "10[ \"MQTT\" 05 02 0000 () \"~\" ] 82[ 0001 () \"~\" 01 ] 32[ \"~\" 0001 () 'x' ] 36[ \"~\" 0001 () 'x' ]";
        foreach (var one in Rendered.Bytes(text, unique: client.Unique))
        {
            await client.SendAsync([one]);
        }

        await client.ExpectAsync(0x20, 0x00);
        await client.ExpectAsync(0x90, 0x01);
        var first = Assert.NotNull(await client.NextAsync()).First;
        var second = Assert.NotNull(await client.NextAsync()).First;
        Assert.Equal((0x32, 0x40), (Math.Min(first, second), Math.Max(first, second)));
        await client.ExpectEndAsync(0x81);
    });

    [Theory]
    [InlineData("CONNECT", "10[ \"MQTT\" 05 02 0000 @ \"~more\" ]", 0x20)]
    [InlineData("Will Properties", "10[ \"MQTT\" 05 06 0000 () \"~more\" @ \"a\" \"\" ]", 0x20)]
    [InlineData("PUBLISH", "30[ \"~\" @ 'x' ]", 0x30)]
    [InlineData("PUBLISH with QoS 2", "34[ \"~\" 0001 @ 'x' ]", 0x34)]
    [InlineData("SUBSCRIBE", "82[ 0001 @ \"a\" 00 ]", 0x90)]
    [InlineData("UNSUBSCRIBE", "A2[ 0001 @ \"a\" ]", 0xB0)]
    [InlineData("PUBREC", "50[ 0001 00 @ ]", 0x62)]
    [InlineData("PUBREL", "62[ 0001 00 @ ]", 0x70)]
    [InlineData("DISCONNECT", "E0[ 00 @ ]", 0x00)]
    public Task A_thousand_User_Properties_are_taken(string packet, string text, int answer) => WatchAsync(64, async () =>
    {
        var bytes = text.Replace("@", "( { 26 \"a\" \"b\" }*1000 )", StringComparison.Ordinal);
        for (var i = 0; i < 20; i++)
        {
            await using var client = answer == 0x20 ? await Peer.OpenAsync(broker.EndPoint) : await Peer.ConnectAsync(broker.EndPoint);
            if (text.StartsWith('3'))
            {
                await client.SendAsync("82[ 0001 () \"~\" 02 ]");
                await client.ExpectAsync(0x90, 0x02);
            }

            await client.SendAsync(bytes);
            var received = await client.NextAsync();
            if (received is { First: 0x50 })
            {
                received = await client.NextAsync();
            }

            Assert.Equal(answer, received?.First ?? 0);
            if (answer >> 4 == 3)
            {
                Assert.InRange(received!.Value.Body.Length, 7000, 7100);
            }
        }

        output.WriteLine($"20 {packet} packets with 1,000 User Properties each");
    });

    [Theory]
    [InlineData("CONNECT", "10[ \"MQTT\" 05 02 0000 @ \"~more\" ]", 0x20)]
    [InlineData("Will Properties", "10[ \"MQTT\" 05 06 0000 () \"~more\" @ \"a\" \"\" ]", 0x20)]
    [InlineData("PUBLISH with QoS 1", "32[ \"~\" 0001 @ 'x' ]", 0x40)]
    [InlineData("PUBLISH with QoS 2", "34[ \"~\" 0001 @ 'x' ]", 0x50)]
    [InlineData("SUBSCRIBE", "82[ 0001 @ \"a\" 00 ]", 0xE0)]
    [InlineData("UNSUBSCRIBE", "A2[ 0001 @ \"a\" ]", 0xE0)]
    public Task Ten_thousand_User_Properties_are_refused_with_0x97(string packet, string text, byte answer) =>
        WatchAsync(64, async () =>
        {
            var bytes = text.Replace("@", "( { 26 \"a\" \"b\" }*10000 )", StringComparison.Ordinal);
            for (var i = 0; i < 20; i++)
            {
                await using var client = answer == 0x20
                    ? await Peer.OpenAsync(broker.EndPoint)
                    : await Peer.ConnectAsync(broker.EndPoint);
                await client.SendAsync(bytes);
                if (answer == 0xE0)
                {
                    await client.ExpectEndAsync(0x97);
                }
                else
                {
                    await client.ExpectAsync(answer, 0x97);
                }
            }

            output.WriteLine($"20 {packet} packets with 10,000 User Properties each");
        });

    [Fact]
    public Task Beyond_ten_thousand_subscriptions_a_SUBSCRIBE_is_refused_filter_by_filter() => WatchAsync(32, async () =>
    {
        await using var client = await Peer.ConnectAsync(broker.EndPoint);
        await client.SendAsync($"82[ 0001 () {string.Concat(Enumerable.Range(0, 20_000).Select(number => $"\"~/{number}\" 00 "))} ]");

        var codes = (await client.ExpectAsync(0x90, 0x97)).TakeLast(20_000);

        Assert.Equal([.. Enumerable.Repeat((byte)0x00, 10_000), .. Enumerable.Repeat((byte)0x97, 10_000)], codes);
    });

    [Fact]
    public Task Ten_thousand_filters_of_a_hundred_and_twenty_levels_get_one_Sessions_share_of_memory() => WatchAsync(160, async () =>
    {
        await using var client = await Peer.ConnectAsync(broker.EndPoint);
        var granted = 0;
        for (var packet = 1; packet <= 5; packet++)
        {
            var filters = Enumerable.Range(0, 2000).Select(number => $"s{{ '~{packet}/{number}' 2F*119 }} 00 ");
            await client.SendAsync($"82[ {packet:X4} () {string.Concat(filters)} ]");
            granted += Assert.NotNull(await client.NextAsync()).Body.TakeLast(2000).Count(code => code == 0x00);
        }

        output.WriteLine($"{granted} subscriptions were granted: the broker has {broker.Resident:F0} MiB");
        Assert.InRange(granted, 1000, 3000);
    });

    [Fact]
    public Task Topics_and_filters_of_thirty_thousand_levels_are_refused() => WatchAsync(64, async () =>
    {
        await using var client = await Peer.ConnectAsync(broker.EndPoint);
        await client.SendAsync("82[ 0001 () \"~/#\" 00 ]");
        await client.ExpectAsync(0x90, 0x00);
        await client.SendAsync("82[ 0002 () s{ '~' 2F*30000 } 00 ]");
        await client.ExpectAsync(0x90, 0x8F);
        await client.SendAsync("82[ 0003 () s{ { '+/' }*30000 '#' } 00 ]");
        await client.ExpectAsync(0x90, 0x8F);
        for (var i = 0; i < 100; i++)
        {
            await client.SendAsync("30[ s{ '~' 2F*30000 } () 'x' ] 32[ s{ '~' 2F*30000 } 0004 () 'x' ]");
            await client.ExpectAsync(0x40, 0x90);
        }
    });

    [Fact]
    public Task Topic_Aliases_may_be_taught_anew_for_ever() => WatchAsync(32, async () =>
    {
        await using var client = await Peer.ConnectAsync(broker.EndPoint);
        for (var i = 0; i < 100; i++)
        {
            await client.SendAsync(string.Concat(Enumerable.Range(0, 160).Select(number =>
                $"30[ s{{ '{i}/{number}/' 78*2000 }} ( 23 {number % 16 + 1:X4} ) 'x' ] ")));
        }

        await client.SendAsync("C0 00");
        Assert.Equal(0xD0, Assert.NotNull(await client.NextAsync()).First);
    });

    [Theory]
    [InlineData("PUBREC", "50", 0x62)]
    [InlineData("PUBREL", "62", 0x70)]
    public Task Sixty_thousand_acknowledgements_of_nothing_are_answered_with_0x92(string packet, string first, byte answer) =>
        WatchAsync(32, async () =>
        {
            await using var client = await Peer.ConnectAsync(broker.EndPoint);
            var flood = Rendered.Bytes(string.Concat(Enumerable.Range(1, 60_000).Select(number => $"{first}[ {number:X4} ] ")));
            var sending = client.SendAsync(flood);
            for (var number = 1; number <= 60_000; number++)
            {
                var body = await client.ExpectAsync(answer, 0x92);
                Assert.Equal(number, BinaryPrimitives.ReadUInt16BigEndian(body));
            }

            Assert.True(await sending);
            output.WriteLine($"60,000 {packet} packets");
        });

    [Fact]
    public Task Who_asks_and_reads_no_answer_is_cut_off() => WatchAsync(32, async () =>
    {
        await using var client = await Peer.ConnectAsync(broker.EndPoint);
        var flood = Rendered.Bytes("{ C0 00 }*100000");
        var sent = 0L;
        while (await client.SendAsync(flood))
        {
            sent += flood.Length;
        }

        output.WriteLine($"cut off after {sent / 2} PINGREQ packets");
        Assert.InRange(sent, 0, 64 * 1024 * 1024);
    });

    [Fact]
    public Task More_QoS_2_messages_than_the_Receive_Maximum_end_the_connection_with_0x93() => WatchAsync(16, async () =>
    {
        await using var client = await Peer.ConnectAsync(broker.EndPoint);
        await client.SendAsync(string.Concat(Enumerable.Range(1, 1025).Select(number => $"34[ \"~\" {number:X4} () 'x' ] ")));
        for (var number = 1; number <= 1024; number++)
        {
            await client.ExpectAsync(0x50, 0x10);
        }

        await client.ExpectEndAsync(0x93);
    });

    [Fact]
    public Task Client_Identifiers_and_user_names_of_65_535_bytes_are_taken() => WatchAsync(64, async () =>
    {
        for (var i = 0; i < 100; i++)
        {
            await using var client = await Peer.ConnectAsync(
                broker.EndPoint, "10[ \"MQTT\" 05 C2 0000 () s{ '~' 78*65523 } s{ 75*65535 } s{ 70*65535 } ]");
        }
    });

    [Fact]
    public Task Two_clients_that_fight_for_one_identifier_take_turns() => WatchAsync(16, async () =>
    {
        const string connect = "10[ \"MQTT\" 05 00 0000 ( 11 0000003C ) \"fight\" ]";
        var holder = await Peer.ConnectAsync(broker.EndPoint, connect);
        for (var i = 0; i < 500; i++)
        {
            var other = await Peer.ConnectAsync(broker.EndPoint, connect);
            await holder.ExpectEndAsync(0x8E);
            await holder.DisposeAsync();
            holder = other;
        }

        await holder.DisposeAsync();
    });

    [Fact]
    public Task AUTH_after_AUTH_gets_one_answer() => WatchAsync(16, async () =>
    {
        for (var i = 0; i < 50; i++)
        {
            await using var client = await Peer.ConnectAsync(broker.EndPoint);
            await client.SendAsync("{ F0[ 19 ( 15 \"SCRAM-SHA-256\", 16 s{ 78*1000 } ) ] }*100");
            await client.ExpectEndAsync(0x82);
        }
    });

    private Task WatchAsync(int mebibytes, Func<Task> attack) => broker.WatchAsync(mebibytes, attack, output);
}
