namespace Antiphon.Protocol.Tests.Packets;

/// <summary>The byte cases of all packets: what holds for each of them, and the seed of what is mutated.</summary>
internal static class EveryCase
{
    public static readonly Dictionary<string, ByteCase> ByName = new[]
    {
        ("CONNECT", ConnectPacketTests.Cases),
        ("CONNACK", ConnAckPacketTests.Cases),
        ("PUBLISH", PublishPacketTests.Cases),
        ("Acknowledgement", AcknowledgementPacketTests.Cases),
        ("SUBSCRIBE", SubscribePacketTests.Cases),
        ("SUBACK", SubAckPacketTests.Cases),
        ("UNSUBSCRIBE", UnsubscribePacketTests.Cases),
        ("UNSUBACK", UnsubAckPacketTests.Cases),
        ("Ping", PingPacketsTests.Cases),
        ("DISCONNECT", DisconnectPacketTests.Cases),
        ("AUTH", AuthPacketTests.Cases),
    }.SelectMany(packet => packet.Item2.Select(one => ($"{packet.Item1}: {one.Key}", one.Value))).ToDictionary();

    public static TheoryData<string> Names => [.. ByName.Keys];
}
