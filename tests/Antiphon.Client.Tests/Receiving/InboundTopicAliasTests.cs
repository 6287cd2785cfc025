using System.Threading.Channels;
using Antiphon.Client.Tests.Peers;

namespace Antiphon.Client.Tests.Receiving;

/// <summary>Topic Aliases from the server.</summary>
public sealed class InboundTopicAliasTests
{
    [Fact]
    public async Task The_maximum_stands_in_CONNECT()
    {
        using var listener = new ScriptedServer();
        await using var client = MqttClient.Start(listener.Options with { TopicAliasMaximum = 300 });
        using var server = await listener.AcceptAsync();

        await server.ExpectAsync("10 20 0004 'MQTT' 05 02 003C 12 11 0000012C 21 0400 27 01000000 22 012C 19 01 0001 'c'");
    }

    [Fact]
    [Trait("Label", "MQTT-3.3.2-10")]
    public async Task Every_alias_up_to_the_maximum_is_taken_and_may_come_to_mean_another_topic()
    {
        await using var pair = await Pair.ConnectAsync(change: options => options with { TopicAliasMaximum = 300 });
        var seen = Channel.CreateUnbounded<string>();
        await pair.SubscribeAsync("#", (message, token) => seen.Writer.WriteAsync(message.Topic, token));

        for (var alias = 1; alias <= 300; alias++)
        {
            await pair.Server.SendAsync($"30 0B 0003 '{alias:000}' 05 23 {alias:X4} 0B01");
        }

        for (var alias = 300; alias >= 1; alias--)
        {
            await pair.Server.SendAsync($"30 08 0000 05 23 {alias:X4} 0B01");
        }

        await pair.Server.SendAsync("30 09 0001 'b' 05 23 0001 0B01 30 08 0000 05 23 0001 0B01");
        var expected = Enumerable.Range(1, 300).Concat(Enumerable.Range(1, 300).Reverse()).Select(alias => $"{alias:000}");
        foreach (var topic in expected.Concat(["b", "b"]))
        {
            Assert.Equal(topic, await seen.Reader.ReadAsync(Limit.Token));
        }
    }

    [Theory]
    [InlineData("30 07 0001 'a' 03 23 0000", "94")] // There is no alias 0.
    [InlineData("30 07 0001 'a' 03 23 0003", "94")] // Above the maximum.
    [InlineData("30 06 0000 03 23 0002", "82")] // It stands for nothing yet.
    public async Task A_wrong_alias_ends_the_connection(string publish, string code)
    {
        await using var pair = await Pair.ConnectAsync(change: options => options with { TopicAliasMaximum = 2 });
        await pair.Server.SendAsync(publish);

        await pair.Server.ExpectAsync($"E0 01 {code}");
        await pair.Server.ExpectEndAsync();
    }

    [Fact]
    [Trait("Label", "MQTT-3.3.2-7")]
    public async Task An_alias_means_nothing_on_the_next_connection()
    {
        using var listener = new ScriptedServer();
        await using var client = MqttClient.Start(listener.Options with { TopicAliasMaximum = 2 });
        using var first = await listener.AcceptAsync(ScriptedServer.Accepted);
        await first.SendAsync("32 09 0001 'a' 0001 03 23 0001");
        await first.ExpectAsync("40 02 0001");
        first.Reset();
        using var second = await listener.AcceptAsync(ScriptedServer.AcceptedSessionPresent);
        await second.SendAsync("32 08 0000 0002 03 23 0001");

        await second.ExpectAsync("E0 01 82");
    }
}
