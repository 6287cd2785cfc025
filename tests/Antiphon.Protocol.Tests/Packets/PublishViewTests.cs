using Antiphon.Protocol.Packets;
using Antiphon.Protocol.Tests.Wire;

namespace Antiphon.Protocol.Tests.Packets;

public sealed class PublishViewTests
{
    private const string Request =
        """
        3D 41  0003't/1' 0102
           35  23 0007  26 0001'b' 0001'1'  26 0001'a' 0001'2'  26 0001'b' 0001'3'  01 01  08 0003'r/1'  09 0004 00010203  02 0000000A  0B 01  03 0004'json'
           'body'
        """;

    [Fact]
    public void Everything_is_seen_where_it_stands()
    {
        var wasRead = PublishView.TryDecode(ByteCase.Frame(Hex.Bytes(Request)), ProtocolVersion.V5, out var view, out var fault);
        Assert.True(wasRead, fault.Message);
        Assert.Equal("742F31", Hex.Text(view.Topic));
        Assert.Equal(Hex.Text("body"u8), Hex.Text(view.Payload));
        Assert.Equal(0x35, view.Properties.Length);
        Assert.Equal((QualityOfService.ExactlyOnce, true, true), (view.QoS, view.Retain, view.Dup));
        Assert.Equal(new PacketIdentifier(0x0102), view.PacketIdentifier);
        Assert.Equal((ushort?)7, view.TopicAlias);
        Assert.Equal(0, view.TopicAliasOffset);
        Assert.Equal(10u, view.MessageExpiryInterval);
        Assert.Equal("0000000A", Hex.Text(view.Properties.Slice(view.MessageExpiryOffset, 4)));
        Assert.Equal("722F31", Hex.Text(view.ResponseTopic));
        Assert.Equal("00010203", Hex.Text(view.CorrelationData));
        Assert.True(view.HasSubscriptionIdentifier);
    }

    [Fact]
    public void The_first_User_Property_of_a_name_is_found()
    {
        Assert.True(PublishView.TryDecode(ByteCase.Frame(Hex.Bytes(Request)), ProtocolVersion.V5, out var view, out _));
        Assert.True(view.TryGetUserProperty("b"u8, out var value));
        Assert.Equal("31", Hex.Text(value));
        Assert.True(view.TryGetUserProperty("a"u8, out value));
        Assert.Equal("32", Hex.Text(value));
        Assert.False(view.TryGetUserProperty("c"u8, out value));
        Assert.Equal(0, value.Length);
    }

    [Fact]
    public void What_is_absent_is_absent()
    {
        Assert.True(PublishView.TryDecode(ByteCase.Frame(Hex.Bytes("30 04 0001't' 00")), ProtocolVersion.V5, out var view, out _));
        Assert.Null(view.TopicAlias);
        Assert.Equal(-1, view.TopicAliasOffset);
        Assert.Null(view.MessageExpiryInterval);
        Assert.Equal(0, view.MessageExpiryOffset);
        Assert.Equal(0, view.ResponseTopic.Length + view.CorrelationData.Length + view.Payload.Length + view.Properties.Length);
        Assert.False(view.HasSubscriptionIdentifier);
        Assert.Equal(PacketIdentifier.None, view.PacketIdentifier);
    }

    [Fact]
    public void A_view_that_is_filled_in_by_hand_has_no_alias()
    {
        var view = new PublishView { Topic = "t"u8 };
        Assert.Equal(-1, view.TopicAliasOffset);
    }

    [Fact]
    public void A_message_is_a_copy_of_its_own()
    {
        var bytes = Hex.Bytes(Request);
        Assert.True(PublishView.TryDecode(ByteCase.Frame(bytes), ProtocolVersion.V5, out var view, out _));
        var message = view.ToMessage();
        Array.Clear(bytes);
        Assert.Equal("t/1", message.Topic);
        Assert.Equal("body"u8.ToArray(), message.Payload.ToArray());
        Assert.Equal([0, 1, 2, 3], message.CorrelationData!.Value.ToArray());
        Assert.Equal([new("b", "1"), new("a", "2"), new("b", "3")], message.UserProperties);
        Assert.Equal(
            ("r/1", "json", true, 10u),
            (message.ResponseTopic, message.ContentType, message.PayloadIsUtf8, message.MessageExpiryInterval));
    }
}
