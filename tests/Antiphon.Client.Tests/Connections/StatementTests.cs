using System.Threading.Channels;
using Antiphon.Client.Tests.Peers;
using Antiphon.Protocol;
using Antiphon.Protocol.Properties;

namespace Antiphon.Client.Tests.Connections;

/// <summary>Statements of MQTT 5 that bind a client and belong to no feature: what it never sends, and what it does not accept.</summary>
public sealed class StatementTests
{
    private static readonly ApplicationMessage Message = new() { Topic = "a" };

    private static readonly Func<ReceivedMessage, CancellationToken, ValueTask> Ignore = (_, _) => ValueTask.CompletedTask;

    [Theory]
    [InlineData("40 0A 0001 00 06 1F 0003 EDA080")] // A surrogate in a Reason String.
    [InlineData("40 08 0001 00 04 1F 0001 00")] // U+0000 in a Reason String.
    [InlineData("90 09 0001 05 1F 0002 C328 00")] // Not UTF-8 in a Reason String.
    [InlineData("40 0B 0001 00 07 26 0001 00 0001 'v'")] // U+0000 in the name of a User Property.
    [InlineData("40 0B 0001 00 07 26 0001 'k' 0001 FF")] // Not UTF-8 in the value of one.
    [InlineData("E0 06 00 04 1C 0001 FF")] // Not UTF-8 in a Server Reference.
    [Trait("Label", "MQTT-1.5.4-1")]
    [Trait("Label", "MQTT-1.5.4-2")]
    [Trait("Label", "MQTT-1.5.7-1")]
    public Task A_string_that_is_none_ends_the_connection(string publish) => ExpectEndAsync(publish, "81");

    [Theory]
    [InlineData("41 02 0001")] // PUBACK
    [InlineData("51 02 0001")] // PUBREC
    [InlineData("60 02 0001")] // PUBREL, whose flags are 0010.
    [InlineData("72 02 0001")] // PUBCOMP
    [InlineData("91 04 0001 00 00")] // SUBACK
    [InlineData("B2 04 0001 00 00")] // UNSUBACK
    [InlineData("D8 00")] // PINGRESP
    [InlineData("E1 00")] // DISCONNECT
    [InlineData("F1 00")] // AUTH
    [InlineData("38 04 0001 'a' 00")] // PUBLISH with DUP and QoS 0.
    [Trait("Label", "MQTT-2.1.3-1")]
    [Trait("Label", "MQTT-3.3.1-2")]
    [Trait("Label", "MQTT-3.6.1-1")]
    [Trait("Label", "MQTT-3.14.1-1")]
    [Trait("Label", "MQTT-3.15.1-1")]
    public Task Flags_that_a_packet_type_does_not_have_end_the_connection(string bytes) => ExpectEndAsync(bytes, "81");

    [Theory]
    [InlineData("40 03 0001 92")] // PUBACK has no Packet Identifier not found.
    [InlineData("50 03 0001 92")] // PUBREC neither.
    [InlineData("62 03 0001 10")] // PUBREL has no No matching subscribers.
    [InlineData("70 03 0001 80")] // PUBCOMP has no Unspecified error.
    [InlineData("E0 01 01")] // There is no such code.
    [Trait("Label", "MQTT-3.4.2-1")]
    [Trait("Label", "MQTT-3.5.2-1")]
    [Trait("Label", "MQTT-3.6.2-1")]
    [Trait("Label", "MQTT-3.7.2-1")]
    [Trait("Label", "MQTT-3.14.2-1")]
    public Task A_Reason_Code_that_a_packet_type_does_not_have_ends_the_connection(string bytes) => ExpectEndAsync(bytes, "81");

    [Fact]
    [Trait("Label", "MQTT-3.4.2-1")]
    [Trait("Label", "MQTT-3.5.2-1")]
    public async Task A_handler_cannot_acknowledge_with_a_Reason_Code_that_PUBACK_does_not_have()
    {
        await using var pair = await Pair.ConnectAsync();
        var outcome = new TaskCompletionSource<Exception?>(TaskCreationOptions.RunContinuationsAsynchronously);
        await pair.SubscribeRawAsync("a", (in Protocol.Packets.PublishView _, in Acknowledgement acknowledgement) =>
        {
            var copy = acknowledgement;
            outcome.SetResult(Record.Exception(() => copy.Complete(ReasonCode.PacketIdentifierNotFound)));
            copy.Complete(ReasonCode.PayloadFormatInvalid);
        });
        await pair.Server.SendAsync("34 06 0001 'a' 0001 00");

        Assert.IsType<ArgumentException>(await outcome.Task.InTime());
        await pair.Server.ExpectAsync("50 03 0001 99");
    }

    [Fact]
    [Trait("Label", "MQTT-3.4.2-2")]
    [Trait("Label", "MQTT-3.4.2-3")]
    [Trait("Label", "MQTT-3.5.2-2")]
    [Trait("Label", "MQTT-3.5.2-3")]
    [Trait("Label", "MQTT-3.6.2-2")]
    [Trait("Label", "MQTT-3.6.2-3")]
    [Trait("Label", "MQTT-3.7.2-2")]
    [Trait("Label", "MQTT-3.7.2-3")]
    [Trait("Label", "MQTT-3.14.2-3")]
    [Trait("Label", "MQTT-3.14.2-4")]
    [Trait("Label", "MQTT-3.2.2-15")]
    public async Task Acknowledgements_and_DISCONNECT_fit_into_the_smallest_Maximum_Packet_Size_that_holds_a_Reason_Code()
    {
        await using var pair = await Pair.ConnectAsync();
        await pair.SubscribeRawAsync(
            "a",
            (in Protocol.Packets.PublishView _, in Acknowledgement acknowledgement) =>
                acknowledgement.Complete(ReasonCode.UnspecifiedError));
        pair.Server.Reset();
        using var server = await pair.Listener.AcceptAsync("20 08 01 00 05 27 00000005");

        await server.SendAsync("32 06 0001 'a' 0001 00 34 06 0001 'a' 0002 00 50 02 0003 62 02 0004 00 00");

        await server.ExpectAsync("40 03 0001 80");
        await server.ExpectAsync("50 03 0002 80");
        await server.ExpectAsync("62 03 0003 92");
        await server.ExpectAsync("70 03 0004 92");
        await server.ExpectAsync("E0 01 81");
    }

    [Fact]
    [Trait("Label", "MQTT-1.5.4-3")]
    public async Task A_byte_order_mark_in_a_string_is_kept_in_both_directions()
    {
        await using var pair = await Pair.ConnectAsync();
        var seen = Channel.CreateUnbounded<string>();
        await pair.SubscribeAsync("#", (message, token) => seen.Writer.WriteAsync(message.Topic, token), packet: 1);

        await pair.Client.PublishAsync(Message with { Topic = "\uFEFFa" }, Limit.Token);
        await pair.Server.ExpectAsync("30 07 0004 EFBBBF 'a' 00");
        await pair.Server.SendAsync("30 07 0004 EFBBBF 'a' 00");

        Assert.Equal("\uFEFFa", await seen.Reader.ReadAsync(Limit.Token));
    }

    [Theory]
    [InlineData(123, "7F")]
    [InlineData(124, "8001")]
    [InlineData(16_379, "FF7F")]
    [InlineData(16_380, "808001")]
    [Trait("Label", "MQTT-1.5.5-1")]
    public async Task A_length_is_written_in_the_fewest_bytes(int payload, string length)
    {
        await using var pair = await Pair.ConnectAsync();
        await pair.Client.PublishAsync(Message with { Payload = new byte[payload] }, Limit.Token);

        await pair.Server.ExpectAsync($"30 {length} 0001 'a' 00 {new string('0', 2 * payload)}");
    }

    [Fact]
    [Trait("Label", "MQTT-1.5.4-1")]
    [Trait("Label", "MQTT-1.5.4-2")]
    [Trait("Label", "MQTT-1.5.7-1")]
    [Trait("Label", "MQTT-4.7.3-3")]
    public async Task What_is_no_string_is_an_argument_mistake_and_the_longest_string_is_none()
    {
        await using var pair = await Pair.ConnectAsync();
        ApplicationMessage[] mistakes =
        [
            Message with { Topic = "\uD800" },
            Message with { ContentType = "\0" },
            Message with { UserProperties = [new UserProperty("\uDC00", "v")] },
            Message with { UserProperties = [new UserProperty("k", "\0")] },
            Message with { Topic = new string('a', 65_536) },
        ];
        foreach (var mistake in mistakes)
        {
            await Assert.ThrowsAnyAsync<ArgumentException>(() => pair.Client.PublishAsync(mistake, Limit.Token).AsTask());
        }

        var longest = new string('a', 65_535);
        await Assert.ThrowsAnyAsync<ArgumentException>(() => pair.Client.SubscribeAsync(longest + "a", Ignore, null, Limit.Token));
        await pair.Client.PublishAsync(Message with { Topic = longest }, Limit.Token);
        await pair.Server.ExpectAsync($"30 828004 FFFF '{longest}' 00");
    }

    [Theory]
    [InlineData("")]
    [InlineData("a\0")]
    [InlineData("a#")]
    [InlineData("#/a")]
    [InlineData("a/#/b")]
    [InlineData("a+")]
    [InlineData("+a/b")]
    [InlineData("$share/g")]
    [InlineData("$share//a")]
    [InlineData("$share/g/")]
    [InlineData("$share/g+/a")]
    [InlineData("$share/#/a")]
    [Trait("Label", "MQTT-3.8.3-1")]
    [Trait("Label", "MQTT-4.7.1-1")]
    [Trait("Label", "MQTT-4.7.1-2")]
    [Trait("Label", "MQTT-4.7.3-1")]
    [Trait("Label", "MQTT-4.7.3-2")]
    [Trait("Label", "MQTT-4.8.2-1")]
    [Trait("Label", "MQTT-4.8.2-2")]
    public async Task A_Topic_Filter_without_a_meaning_is_an_argument_mistake(string filter)
    {
        await using var pair = await Pair.ConnectAsync();

        await Assert.ThrowsAnyAsync<ArgumentException>(() => pair.Client.SubscribeAsync(filter, Ignore, null, Limit.Token));
        await pair.Client.PublishAsync(Message, Limit.Token);
        await pair.Server.ExpectAsync("30 04 0001 'a' 00");
    }

    [Fact]
    [Trait("Label", "MQTT-3.3.1-3")]
    [Trait("Label", "MQTT-3.3.4-6")]
    public async Task A_message_that_is_passed_on_has_a_DUP_flag_of_its_own_and_no_Subscription_Identifier()
    {
        await using var pair = await Pair.ConnectAsync();
        await pair.SubscribeAsync(
            "a", async (message, token) => await pair.Client.PublishAsync(message.Message with { Topic = "b" }, token));
        await pair.Server.SendAsync("3A 08 0001 'a' 0005 02 0B01");

        await pair.Server.ExpectAsync("32 06 0001 'b' 0002 00");
        await pair.Server.SendAsync("40 02 0002");
        await pair.Server.ExpectAsync("40 02 0005");
    }

    [Fact]
    [Trait("Label", "MQTT-4.3.2-5")]
    public async Task After_PUBACK_the_same_identifier_means_a_new_message_whatever_DUP_says()
    {
        await using var pair = await Pair.ConnectAsync();
        var seen = Channel.CreateUnbounded<bool>();
        await pair.SubscribeAsync("a", (message, token) => seen.Writer.WriteAsync(message.Dup, token));
        await pair.Server.SendAsync("32 08 0001 'a' 0001 02 0B01");
        await pair.Server.ExpectAsync("40 02 0001");
        await pair.Server.SendAsync("3A 08 0001 'a' 0001 02 0B01");
        await pair.Server.ExpectAsync("40 02 0001");

        Assert.False(await seen.Reader.ReadAsync(Limit.Token));
        Assert.True(await seen.Reader.ReadAsync(Limit.Token));
    }

    [Fact]
    [Trait("Label", "MQTT-2.2.1-3")]
    [Trait("Label", "MQTT-4.3.2-1")]
    [Trait("Label", "MQTT-4.3.3-1")]
    public async Task No_identifier_is_given_twice_while_it_is_in_use()
    {
        await using var pair = await Pair.ConnectAsync();
        var open = new HashSet<string>();
        var publishes = new List<Task>();
        for (var i = 0; i < 500; i++)
        {
            publishes.Add(pair.Client.PublishAsync(Message with { QoS = (QualityOfService)(1 + (i % 2)) }, Limit.Token).AsTask());
            var packet = await pair.Server.ReadAsync();
            var identifier = Convert.ToHexString(packet.AsSpan(5, 2));
            Assert.NotEqual("0000", identifier);
            Assert.True(open.Add(identifier));
            if (i % 3 == 0)
            {
                open.Remove(identifier);
                await pair.Server.SendAsync(i % 2 == 0 ? $"40 02 {identifier}" : $"50 03 {identifier} 97");
                await publishes[^1].ContinueWith(_ => { }, TaskScheduler.Default).InTime();
            }
        }

        pair.Server.Dispose();
        await pair.Client.DisposeAsync().InTime();
        await Task.WhenAll(publishes).ContinueWith(_ => { }, TaskScheduler.Default);
    }

    private static async Task ExpectEndAsync(string bytes, string code)
    {
        await using var pair = await Pair.ConnectAsync();
        await pair.Server.SendAsync(Bytes.Of(bytes));

        await pair.Server.ExpectAsync($"E0 01 {code}");
        await pair.Server.ExpectEndAsync();
    }
}
