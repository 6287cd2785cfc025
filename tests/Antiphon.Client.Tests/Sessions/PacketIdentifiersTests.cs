using Antiphon.Client.Sessions;
using Antiphon.Protocol;

namespace Antiphon.Client.Tests.Sessions;

public sealed class PacketIdentifiersTests
{
    private readonly PacketIdentifiers _identifiers = new();

    [Fact]
    [Trait("Label", "MQTT-2.2.1-3")]
    public void Every_identifier_is_given_once_and_then_there_is_none()
    {
        var given = new HashSet<ushort>();
        for (var i = 0; i < 65_535; i++)
        {
            Assert.True(given.Add(_identifiers.Allocate(this).Value));
        }

        Assert.DoesNotContain((ushort)0, given);
        Assert.Equal(PacketIdentifier.None, _identifiers.Allocate(this));
        _identifiers.Release(new PacketIdentifier(777));
        Assert.Equal(777, _identifiers.Allocate(this).Value);
    }

    [Fact]
    public void An_identifier_given_back_is_not_the_next()
    {
        var first = _identifiers.Allocate("first");
        _identifiers.Release(first);
        var second = _identifiers.Allocate("second");

        Assert.NotEqual(first, second);
        Assert.Null(_identifiers.Find(first));
        Assert.Equal("second", _identifiers.Find(second));
        Assert.Null(_identifiers.Find(PacketIdentifier.None));
        Assert.Null(_identifiers.Find(new PacketIdentifier(65_535)));
    }
}
