using Antiphon.Broker.Connections;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;

namespace Antiphon.Broker.Publishing;

/// <summary>
/// PUBACK and PUBREC: the usual ones in their shortest form; a refusal with a sentence, for clients that want it and that take a packet of
/// that size (MQTT 5 §3.4, §3.5) [MQTT-3.1.2-29, MQTT-3.4.2-2, MQTT-3.5.2-2].
/// </summary>
internal static class PublishAnswer
{
    /// <summary>Appends one to the connection's output.</summary>
    /// <param name="connection">To whom.</param>
    /// <param name="answer">PUBACK or PUBREC.</param>
    /// <param name="identifier">The message's Packet Identifier.</param>
    /// <param name="code">What it says.</param>
    /// <param name="reason">Why, if that is known better than the code says it.</param>
    public static void Write(
        Connection connection, PacketType answer, PacketIdentifier identifier, ReasonCode code, string? reason = null)
    {
        var text = code < ReasonCode.UnspecifiedError || !connection.WantsProblemInformation ? null : reason ?? Text(code);
        if (text is null || !connection.TryWrite(new AcknowledgementPacket(answer, identifier, code) { ReasonString = text }))
        {
            AcknowledgementPacket.Write(connection.Output, answer, identifier, code, connection.Version);
        }
    }

    private static string? Text(ReasonCode code) => code switch
    {
        ReasonCode.NotAuthorized =>
            "It is $SYS, where only the broker publishes; or a response topic, where only who received a request may answer it: "
                + "the response is late, uninvited, or one more than was asked for.",
        ReasonCode.PacketIdentifierInUse =>
            "A QoS 2 message under that Packet Identifier waits for its PUBREL: the client has lost its Session, or uses the identifier "
                + "too early.",
        ReasonCode.QuotaExceeded =>
            "The message cannot be retained: as many are as this broker keeps; "
            + "or its exchange cannot be tracked: this broker tracks none, or Response Topic and Correlation Data exceed 255 bytes "
            + "together.",
        _ => null,
    };
}
