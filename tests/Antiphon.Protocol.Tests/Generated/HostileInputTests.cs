using Antiphon.Protocol.Packets;
using Antiphon.Protocol.Tests.Packets;
using Antiphon.Protocol.Tests.Wire;
using Antiphon.Protocol.Wire;

namespace Antiphon.Protocol.Tests.Generated;

/// <summary>
/// Whatever the bytes are, reading them comes to one of three outcomes: complete, need more, or malformed with a Reason Code.
/// </summary>
public sealed class HostileInputTests
{
    private readonly Random _random = new(20_260_101);

    [Fact]
    public void Random_bytes_come_to_one_of_the_three_outcomes()
    {
        for (var run = 0; run < 50_000; run++)
        {
            var bytes = new byte[_random.Next(64)];
            _random.NextBytes(bytes);
            Judge(bytes);
        }
    }

    [Fact]
    public void Random_bodies_of_every_packet_come_to_one_of_the_three_outcomes()
    {
        for (var run = 0; run < 100_000; run++)
        {
            var body = new byte[_random.Next(48)];
            _random.NextBytes(body);
            var type = 1 + run % 15;
            var flags = type is 6 or 8 or 10 ? 2 : type == 3 ? _random.Next(16) : 0;
            Judge([(byte)(type << 4 | flags), (byte)body.Length, .. body]);
        }
    }

    [Theory]
    [MemberData(nameof(EveryCase.Names), MemberType = typeof(EveryCase))]
    public void A_good_packet_with_bytes_changed_added_or_taken_away_comes_to_one_of_the_three_outcomes(string name)
    {
        var good = EveryCase.ByName[name].Bytes;
        for (var at = 0; at < good.Length; at++)
        {
            // Each byte with each value, in its place.
            for (var value = 0; value < 256; value++)
            {
                var changed = good.ToArray();
                changed[at] = (byte)value;
                Judge(changed);
            }
        }

        for (var run = 0; run < 1000; run++)
        {
            var mutant = good.ToList();
            for (var change = _random.Next(1, 5); change > 0; change--)
            {
                Mutate(mutant);
            }

            Judge([.. mutant]);
        }
    }

    [Theory]
    [MemberData(nameof(EveryCase.Names), MemberType = typeof(EveryCase))]
    public void A_body_that_ends_early_is_malformed_or_a_shorter_good_packet(string name)
    {
        var one = EveryCase.ByName[name];
        var body = ByteCase.Frame(one.Bytes).Body.ToArray();
        for (var cut = 0; cut < body.Length; cut++)
        {
            byte[] shorter = [one.Bytes[0], (byte)cut, .. body.AsSpan(0, cut)];
            if (!PacketDecoder.TryDecode(ByteCase.Frame(shorter), one.Version, out _, out var fault))
            {
                Assert.True(fault.Code is ReasonCode.MalformedPacket or ReasonCode.ProtocolError, $"{cut}: {fault}");
            }
        }
    }

    private static void Judge(byte[] bytes)
    {
        foreach (var version in (ProtocolVersion[])[ProtocolVersion.V5, ProtocolVersion.V311])
        {
            try
            {
                JudgeAs(version, bytes);
            }
            catch (Exception unexpected) when (unexpected is not Xunit.Sdk.IAssertionException)
            {
                Assert.Fail($"{version}, {Hex.Text(bytes)}: {unexpected}");
            }
        }
    }

    private static void JudgeAs(ProtocolVersion version, byte[] bytes)
    {
        switch (FrameReader.TryRead(bytes, 1000, out var frame, out var fault))
        {
            case FrameStatus.NeedMore:
                Assert.False(fault.Exists);
                break;
            case FrameStatus.Malformed:
                Assert.True(fault.Code is ReasonCode.MalformedPacket or ReasonCode.PacketTooLarge);
                break;
            default:
                Assert.InRange(frame.Length, 2, bytes.Length);
                JudgePacket(version, frame);
                break;
        }
    }

    private static void JudgePacket(ProtocolVersion version, in Frame frame)
    {
        if (!PacketDecoder.TryDecode(frame, version, out var packet, out var fault))
        {
            Assert.True(fault.Code >= ReasonCode.UnspecifiedError);
            Assert.NotNull(fault.Message);
            Assert.Null(packet);
        }
        else
        {
            // What is good has one meaning: written and read again it is the same.
            Assert.False(fault.Exists);
            var spoken = packet is ConnectPacket connect ? connect.ProtocolVersion : version;
            Assert.Equal(PacketText.Of(packet), PacketText.Of(ByteCase.Accept(ByteCase.Write(packet, spoken), spoken)));
        }

        if (frame.Type is PacketType.PubAck or PacketType.PubRec or PacketType.PubRel or PacketType.PubComp)
        {
            Assert.Equal(packet is not null, AcknowledgementPacket.TryRead(frame, version, out _, out _, out var other));
            Assert.Equal(fault.Code, other.Code);
        }
    }

    private void Mutate(List<byte> bytes)
    {
        var at = _random.Next(bytes.Count + 1);
        switch (_random.Next(4))
        {
            case 0 when at < bytes.Count:
                bytes.RemoveAt(at);
                break;
            case 1:
                bytes.Insert(at, (byte)_random.Next(256));
                break;
            case 2 when at < bytes.Count:
                bytes[at] ^= (byte)(1 << _random.Next(8));
                break;
            default:
                // The same bytes twice, such as a property that stands twice.
                var from = _random.Next(bytes.Count + 1);
                bytes.InsertRange(at, bytes.Skip(from).Take(_random.Next(8)).ToArray());
                break;
        }
    }
}
