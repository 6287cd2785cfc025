using System.Text;
using Antiphon.Client.Tests.Peers;
using Antiphon.Protocol;

namespace Antiphon.Client.Tests.Publishing;

/// <summary>Topic Aliases towards the server. The server allows one, so that all topics want the same.</summary>
public sealed class TopicAliasTests
{
    private const string OneAlias = "20 06 00 00 03 22 0001";
    private const string OneAliasSessionPresent = "20 06 01 00 03 22 0001";

    private static readonly ApplicationMessage Message = new() { Topic = "topic" };

    [Fact]
    [Trait("Label", "MQTT-3.2.2-17")]
    [Trait("Label", "MQTT-3.3.2-8")]
    [Trait("Label", "MQTT-3.3.2-9")]
    public async Task A_topic_that_repeats_is_named_once_and_then_known_by_its_alias()
    {
        await using var pair = await Pair.ConnectAsync(OneAlias);
        for (var i = 1; i <= 4; i++)
        {
            await pair.Client.PublishAsync(Message with { Payload = new[] { (byte)('0' + i) } }, Limit.Token);
        }

        await pair.Client.PublishAsync(Message with { Topic = "other" }, Limit.Token);
        await pair.Client.PublishAsync(Message, Limit.Token);
        await pair.Client.PublishAsync(Message with { Topic = "other" }, Limit.Token);
        await pair.Client.PublishAsync(Message with { Topic = "other" }, Limit.Token);
        await pair.Client.PublishAsync(Message with { Topic = "other" }, Limit.Token);

        await pair.Server.ExpectAsync("30 09 0005 'topic' 00 '1'");
        await pair.Server.ExpectAsync("30 0C 0005 'topic' 03 23 0001 '2'");
        await pair.Server.ExpectAsync("30 07 0000 03 23 0001 '3'");
        await pair.Server.ExpectAsync("30 07 0000 03 23 0001 '4'");

        // Another topic gets the one alias only when it comes twice in a row.
        await pair.Server.ExpectAsync("30 08 0005 'other' 00");
        await pair.Server.ExpectAsync("30 06 0000 03 23 0001");
        await pair.Server.ExpectAsync("30 08 0005 'other' 00");
        await pair.Server.ExpectAsync("30 0B 0005 'other' 03 23 0001");
        await pair.Server.ExpectAsync("30 06 0000 03 23 0001");
    }

    [Theory]
    [InlineData(ScriptedServer.Accepted, 16)]
    [InlineData("20 06 00 00 03 22 0000", 16)]
    [InlineData("20 06 00 00 03 22 0005", 0)]
    [Trait("Label", "MQTT-3.2.2-18")]
    public async Task No_alias_goes_to_a_server_that_allows_none_nor_from_a_client_that_wants_none(string connAck, int maximum)
    {
        await using var pair = await Pair.ConnectAsync(connAck, options => options with { MaximumTopicAliases = (ushort)maximum });
        for (var i = 0; i < 3; i++)
        {
            await pair.Client.PublishAsync(Message, Limit.Token);
            await pair.Server.ExpectAsync("30 08 0005 'topic' 00");
        }
    }

    [Fact]
    [Trait("Label", "MQTT-3.3.2-7")]
    [Trait("Label", "MQTT-3.3.1-1")]
    public async Task What_is_sent_again_names_its_topic_because_aliases_end_with_their_connection()
    {
        using var listener = new ScriptedServer();
        await using var client = MqttClient.Start(listener.Options);
        using var first = await listener.AcceptAsync(OneAlias);
        await client.WaitUntilConnectedAsync(Limit.Token);
        var publishes = Enumerable.Range(0, 3)
            .Select(_ => Message with { QoS = QualityOfService.AtLeastOnce, MessageExpiryInterval = 7 })
            .Select(message => client.PublishAsync(message, Limit.Token).AsTask())
            .ToArray();
        await first.ExpectAsync("32 0F 0005 'topic' 0001 05 02 00000007");
        await first.ExpectAsync("32 12 0005 'topic' 0002 08 23 0001 02 00000007");
        await first.ExpectAsync("32 0D 0000 0003 08 23 0001 02 00000007");
        first.Reset();
        using var second = await listener.AcceptAsync(OneAliasSessionPresent);

        await second.ExpectAsync("3A 0F 0005 'topic' 0001 05 02 00000007");
        await second.ExpectAsync("3A 12 0005 'topic' 0002 08 23 0001 02 00000007");
        await second.ExpectAsync("3A 0D 0000 0003 08 23 0001 02 00000007");
        second.Reset();
        using var third = await listener.AcceptAsync(ScriptedServer.AcceptedSessionPresent);

        for (var i = 1; i <= 3; i++)
        {
            await third.ExpectAsync($"3A 0F 0005 'topic' 000{i} 05 02 00000007");
            await third.SendAsync($"40 02 000{i}");
        }

        await Task.WhenAll(publishes).InTime();
    }

    [Fact]
    [Trait("Label", "MQTT-3.2.2-15")]
    public async Task An_alias_does_not_make_a_packet_too_large_for_the_server()
    {
        await using var pair = await Pair.ConnectAsync("20 0B 00 00 08 22 0001 27 0000000A");
        for (var i = 0; i < 2; i++)
        {
            await pair.Client.PublishAsync(Message, Limit.Token);
            await pair.Server.ExpectAsync("30 08 0005 'topic' 00");
        }
    }

    [Fact]
    [Trait("Label", "MQTT-3.2.2-15")]
    public async Task An_alias_counts_with_the_bytes_by_which_the_lengths_grow()
    {
        // Alias and topic together would be 131 bytes, since the Remaining Length would take two; the server takes 130.
        var longest = new string('x', 117);
        await using var pair = await Pair.ConnectAsync("20 0B 00 00 08 22 0001 27 00000082");
        for (var i = 0; i < 2; i++)
        {
            await pair.Client.PublishAsync(Message with { Payload = Encoding.UTF8.GetBytes(longest) }, Limit.Token);
            await pair.Server.ExpectAsync($"30 7D 0005 'topic' 00 '{longest}'");
        }

        await pair.Client.PublishAsync(Message, Limit.Token);
        await pair.Server.ExpectAsync("30 0B 0005 'topic' 03 23 0001");
        await pair.Client.PublishAsync(Message with { Payload = Encoding.UTF8.GetBytes(longest) }, Limit.Token);
        await pair.Server.ExpectAsync($"30 7B 0000 03 23 0001 '{longest}'");
    }
}
