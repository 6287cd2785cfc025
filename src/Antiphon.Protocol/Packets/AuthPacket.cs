using Antiphon.Protocol.Properties;
using Antiphon.Protocol.Wire;

namespace Antiphon.Protocol.Packets;

/// <summary>AUTH (MQTT 5 §3.15); it does not exist in MQTT 3.1.1.</summary>
public sealed record AuthPacket : Packet
{
    /// <inheritdoc/>
    public override PacketType Type => PacketType.Auth;

    /// <summary>Success, Continue authentication or Re-authenticate.</summary>
    public ReasonCode ReasonCode { get; init; }

    /// <summary>The method, the same as in CONNECT.</summary>
    public string? AuthenticationMethod { get; init; }

    /// <summary>The method's data.</summary>
    public ReadOnlyMemory<byte>? AuthenticationData { get; init; }

    /// <summary>More about it, for people.</summary>
    public string? ReasonString { get; init; }

    /// <summary>User Properties in their order.</summary>
    public IReadOnlyList<UserProperty> UserProperties { get; init; } = [];

    internal static AuthPacket Decode(ref WireReader reader)
    {
        if (reader.Remaining == 0)
        {
            return new AuthPacket();
        }

        var packet = new AuthPacket { ReasonCode = (ReasonCode)reader.ReadByte() };
        if (!ReasonCodes.IsAllowed(PacketType.Auth, packet.ReasonCode))
        {
            reader.Fail(Fault.Malformed($"AUTH has no Reason Code 0x{(byte)packet.ReasonCode:X2} [MQTT-3.15.2-1]."));
        }

        List<UserProperty>? userProperties = null;
        var properties = new PropertyReader(reader.ReadPropertySection(), PacketSet.Auth);
        while (properties.TryRead(out var property))
        {
            switch (property.Identifier)
            {
                case PropertyIdentifier.AuthenticationMethod:
                    packet = packet with { AuthenticationMethod = property.Text };
                    break;
                case PropertyIdentifier.AuthenticationData:
                    packet = packet with { AuthenticationData = property.Bytes.ToArray() };
                    break;
                case PropertyIdentifier.ReasonString:
                    packet = packet with { ReasonString = property.Text };
                    break;
                default:
                    (userProperties ??= []).Add(property.Pair);
                    break;
            }
        }

        reader.Fail(properties.Fault);
        if (packet.AuthenticationMethod is null)
        {
            reader.Fail(Fault.Protocol("AUTH has no Authentication Method (MQTT 5 §3.15.2.2.2)."));
        }


        return packet with { UserProperties = userProperties ?? packet.UserProperties };
    }

    private protected override void WriteBody(ref WireWriter writer, ProtocolVersion version)
    {
        if (version != ProtocolVersion.V5)
        {
            throw new InvalidOperationException("AUTH does not exist in MQTT 3.1.1 (MQTT 5 §3.15).");
        }

        var properties = new PropertyWriter(stackalloc byte[256], PacketSet.Auth);
        properties.Add(PropertyIdentifier.AuthenticationMethod, AuthenticationMethod);
        properties.Add(PropertyIdentifier.AuthenticationData, AuthenticationData);
        properties.Add(PropertyIdentifier.ReasonString, ReasonString);
        properties.Add(UserProperties);
        if (properties.Length > 0 || ReasonCode != ReasonCode.Success)
        {
            if (AuthenticationMethod is null)
            {
                throw new InvalidOperationException("AUTH needs an Authentication Method (MQTT 5 §3.15.2.2.2).");
            }

            writer.WriteByte((byte)ReasonCode);
            writer.WritePropertySection(properties.Written);
        }

        properties.Dispose();
    }
}
