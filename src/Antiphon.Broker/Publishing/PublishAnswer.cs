using Antiphon.Broker.Connections;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;

namespace Antiphon.Broker.Publishing;

/// <summary>PUBACK: the usual ones in their shortest form; a refusal with a sentence, for clients that want it (MQTT 5 §3.4).</summary>
internal static class PublishAnswer
{
    public static void Write(Connection connection, PacketIdentifier identifier, ReasonCode code)
    {
        var text = code < ReasonCode.UnspecifiedError || !connection.WantsProblemInformation ? null : Text(code);
        if (text is null || connection.MaximumPacketSize < 256)
        {
            AcknowledgementPacket.Write(connection.Output, PacketType.PubAck, identifier, code, connection.Version);
        }
        else
        {
            new AcknowledgementPacket(PacketType.PubAck, identifier, code) { ReasonString = text }.WriteTo(connection.Output, connection.Version);
        }
    }

    private static string? Text(ReasonCode code) => code switch
    {
        ReasonCode.NotAuthorized => "Only the broker publishes to $SYS; to a response topic, only who has an open request there: a response is late, uninvited, or one more than was asked for.",
        ReasonCode.QuotaExceeded => "The message cannot be retained: as many are as this broker keeps, or its topic has more than 128 levels; "
            + "or its exchange cannot be tracked: too many are open, or Response Topic and Correlation Data exceed 255 bytes together.",
        _ => null,
    };
}
