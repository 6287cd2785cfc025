using System.Threading.Channels;
using Antiphon.Client.Tests.Peers;

namespace Antiphon.Client.Tests.Receiving;

/// <summary>Messages with a flaw that the server has let through: the flaw is the message's and not the connection's.</summary>
public sealed class FlawedMessagesTests
{
    [Theory]
    [InlineData("a Response Topic with a wildcard", "32 13 0007 'dev/cmd' 0001 06 08 0003 'a/#' 'x'", "40 03 0001 83")]
    [InlineData("an empty Response Topic", "32 0A 0001 'a' 0001 03 08 0000 'x'", "40 03 0001 83")]
    [InlineData("a Response Topic that is no UTF-8", "32 0B 0001 'a' 0001 04 08 0001 FF 'x'", "40 03 0001 83")]
    [InlineData("a Content Type with U+0000", "32 0B 0001 'a' 0001 04 03 0001 00 'x'", "40 03 0001 83")]
    [InlineData("a User Property that is no UTF-8", "32 0E 0001 'a' 0001 07 26 0001 FF 0001 'v' 'x'", "40 03 0001 83")]
    [InlineData("a property twice", "32 0B 0001 'a' 0001 04 01 00 01 00 'x'", "40 03 0001 83")]
    [InlineData("an unknown property", "32 09 0001 'a' 0001 02 7F 00 'x'", "40 03 0001 83")]
    [InlineData("a property of another packet", "32 0A 0001 'a' 0001 03 13 0001 'x'", "40 03 0001 83")]
    [InlineData("a property that ends behind its section", "32 0A 0001 'a' 0001 03 03 0009 'x'", "40 03 0001 83")]
    [InlineData("Payload Format Indicator 2", "32 09 0001 'a' 0001 02 01 02 'x'", "40 03 0001 83")]
    [InlineData("Subscription Identifier 0", "32 09 0001 'a' 0001 02 0B 00 'x'", "40 03 0001 83")]
    [InlineData("a Topic Name with a wildcard", "32 09 0003 'a/#' 0001 00 'x'", "40 03 0001 90")]
    [InlineData("a Topic Name with a surrogate", "32 09 0003 EDA080 0001 00 'x'", "40 03 0001 83")]
    [InlineData("a Topic Name with U+0000", "32 09 0003 'a' 00 'b' 0001 00 'x'", "40 03 0001 83")]
    [InlineData("a Topic Name that is no UTF-8", "32 07 0001 FF 0001 00 'x'", "40 03 0001 83")]
    [InlineData("neither Topic Name nor alias", "32 06 0000 0001 00 'x'", "40 03 0001 83")]
    [InlineData("a flaw with QoS 2", "34 0A 0001 'a' 0001 03 08 0000 'x'", "50 03 0001 83")]
    [InlineData("a flaw with QoS 0", "30 08 0001 'a' 03 08 0000 'x'", "")]
    [Trait("Label", "MQTT-3.3.2-1")]
    [Trait("Label", "MQTT-3.3.2-2")]
    [Trait("Label", "MQTT-4.7.0-1")]
    [Trait("Label", "MQTT-3.3.2-13")]
    [Trait("Label", "MQTT-3.3.2-14")]
    [Trait("Label", "MQTT-3.3.2-19")]
    public async Task It_is_acknowledged_with_an_error_and_the_next_one_is_handled(string flaw, string publish, string acknowledgement)
    {
        await using var pair = await Pair.ConnectAsync();
        var seen = Channel.CreateUnbounded<string>();
        await pair.SubscribeAsync("a", (message, token) => seen.Writer.WriteAsync(message.Text, token));

        await pair.Server.SendAsync(publish);
        await pair.Server.SendAsync("32 08 0001 'a' 0002 00 'ok'");

        if (acknowledgement.Length > 0)
        {
            await pair.Server.ExpectAsync(acknowledgement);
        }

        await pair.Server.ExpectAsync("40 02 0002");
        Assert.Equal("ok", await seen.Reader.ReadAsync(Limit.Token));
        Assert.Equal((flaw, 1, 0), (flaw, pair.Client.Counters.FlawedMessages, pair.Client.Counters.Reconnects));
    }

    [Theory]
    [InlineData("QoS 3", "36 07 0001 'a' 0001 00 'x'")]
    [InlineData("Packet Identifier 0", "32 07 0001 'a' 0000 00 'x'")]
    [InlineData("a topic beyond the packet", "32 07 0009 'a' 0001 00 'x'")]
    [InlineData("properties beyond the packet", "32 07 0001 'a' 0001 09 'x'")]
    [InlineData("DUP with QoS 0", "38 05 0001 'a' 00 'x'")]
    [InlineData("Topic Alias 0", "32 0A 0001 'a' 0001 03 23 0000 'x'")]
    [InlineData("an alias that stands for nothing", "32 09 0000 0001 03 23 0001 'x'")]
    [InlineData("an alias beyond the maximum", "32 0A 0001 'a' 0001 03 23 0FFF 'x'")]
    public async Task What_cannot_be_told_apart_or_concerns_other_messages_ends_the_connection(string flaw, string publish)
    {
        await using var pair = await Pair.ConnectAsync();

        await pair.Server.SendAsync(publish);

        Assert.Equal((flaw, (byte)0xE0), (flaw, (await pair.Server.ReadAsync())[0]));
    }

    [Fact]
    public async Task The_alias_of_a_message_with_a_flaw_counts_for_those_that_follow()
    {
        await using var pair = await Pair.ConnectAsync(change: options => options with { TopicAliasMaximum = 8 });
        var seen = Channel.CreateUnbounded<string>();
        await pair.SubscribeAsync("a", (message, token) => seen.Writer.WriteAsync(message.Text, token));

        await pair.Server.SendAsync("32 0D 0001 'a' 0001 06 08 0000 23 0001 'x'");
        await pair.Server.SendAsync("32 0A 0000 0002 03 23 0001 'ok'");

        await pair.Server.ExpectAsync("40 03 0001 83");
        await pair.Server.ExpectAsync("40 02 0002");
        Assert.Equal("ok", await seen.Reader.ReadAsync(Limit.Token));
    }

    [Fact]
    public async Task An_alias_of_a_Topic_Name_with_a_flaw_is_no_other_topics_until_it_comes_with_another()
    {
        await using var pair = await Pair.ConnectAsync(change: options => options with { TopicAliasMaximum = 8 });
        var seen = Channel.CreateUnbounded<string>();
        await pair.SubscribeAsync("a", (message, token) => seen.Writer.WriteAsync(message.Text, token));

        await pair.Server.SendAsync("32 0A 0001 'a' 0001 03 23 0001 '1'");
        await pair.Server.SendAsync("32 0C 0003 'a/#' 0002 03 23 0001 '2'");
        await pair.Server.SendAsync("32 09 0000 0003 03 23 0001 '3'");
        await pair.Server.SendAsync("32 0C 0000 0004 06 23 0001 08 0000 '4'");
        await pair.Server.SendAsync("32 0A 0001 'a' 0005 03 23 0001 '5'");
        await pair.Server.SendAsync("32 09 0000 0006 03 23 0001 '6'");

        Assert.Equal("1", await seen.Reader.ReadAsync(Limit.Token));
        Assert.Equal("5", await seen.Reader.ReadAsync(Limit.Token));
        Assert.Equal("6", await seen.Reader.ReadAsync(Limit.Token));
        await pair.Server.ExpectAsync("40 02 0001");
        await pair.Server.ExpectAsync("40 03 0002 90");
        await pair.Server.ExpectAsync("40 03 0003 90");
        await pair.Server.ExpectAsync("40 03 0004 83");
        await pair.Server.ExpectAsync("40 02 0005");
        await pair.Server.ExpectAsync("40 02 0006");
        Assert.Equal((3, 0), (pair.Client.Counters.FlawedMessages, pair.Client.Counters.Reconnects));
    }

    [Theory]
    [InlineData("behind an unknown property", "32 0C 0001 'b' 0002 05 7F 00 23 0001 'x'")]
    [InlineData("twice", "32 0D 0001 'b' 0002 06 23 0002 23 0001 'x'")]
    public async Task Where_an_alias_may_have_been_set_unseen_none_is_trusted_any_more(string where, string publish)
    {
        await using var pair = await Pair.ConnectAsync(change: options => options with { TopicAliasMaximum = 8 });
        var seen = Channel.CreateUnbounded<string>();
        await pair.SubscribeAsync("a", (message, token) => seen.Writer.WriteAsync(message.Text, token));

        await pair.Server.SendAsync("32 0A 0001 'a' 0001 03 23 0001 '1'");
        await pair.Server.ExpectAsync("40 02 0001");
        await pair.Server.SendAsync(publish);
        await pair.Server.SendAsync("32 0A 0001 'a' 0003 03 23 0003 '3'");
        await pair.Server.SendAsync("32 09 0000 0004 03 23 0003 '4'");
        await pair.Server.SendAsync("32 09 0000 0005 03 23 0001 'x'");

        Assert.Equal("1", await seen.Reader.ReadAsync(Limit.Token));
        Assert.Equal("3", await seen.Reader.ReadAsync(Limit.Token));
        Assert.Equal("4", await seen.Reader.ReadAsync(Limit.Token));
        await pair.Server.ExpectAsync("40 03 0002 83");
        byte[] last;
        do
        {
            last = await pair.Server.ReadAsync();
        }
        while (last[0] == 0x40);
        Assert.Equal((where, "E00182"), (where, Convert.ToHexString(last)));
        Assert.False(seen.Reader.TryRead(out _));
    }

    [Fact]
    public async Task It_keeps_its_place_in_the_order_of_acknowledgements()
    {
        await using var pair = await Pair.ConnectAsync();
        var go = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await pair.SubscribeAsync("a", async (_, _) =>
        {
            begun.SetResult();
            await go.Task;
        });

        await pair.Server.SendAsync("32 07 0001 'a' 0001 00 'x'");
        await pair.Server.SendAsync("32 0A 0001 'a' 0002 03 08 0000 'x'");
        await begun.Task.InTime();
        go.SetResult();

        await pair.Server.ExpectAsync("40 02 0001");
        await pair.Server.ExpectAsync("40 03 0002 83");
    }
}
