using Antiphon.Protocol.Properties;
using Antiphon.Protocol.Wire;

namespace Antiphon.Protocol.Packets;

/// <summary>The two properties that every answer may carry: Reason String and User Properties.</summary>
internal readonly record struct ReasonProperties(string? ReasonString, IReadOnlyList<UserProperty> UserProperties)
{
    public static ReasonProperties None => new(null, []);

    /// <summary>Reads a whole section that holds nothing else; a fault goes to the reader it came from.</summary>
    public static ReasonProperties Read(ref WireReader reader, PacketSet carrier)
    {
        string? reason = null;
        List<UserProperty>? userProperties = null;
        var properties = new PropertyReader(reader.ReadPropertySection(), carrier);
        while (properties.TryRead(out var property))
        {
            if (property.Identifier == PropertyIdentifier.ReasonString)
            {
                reason = property.Text;
            }
            else
            {
                (userProperties ??= []).Add(property.Pair);
            }
        }

        reader.Fail(properties.Fault);

        return new ReasonProperties(reason, userProperties is null ? [] : userProperties);
    }

    public void WriteTo(ref WireWriter writer, PacketSet carrier)
    {
        var properties = new PropertyWriter(stackalloc byte[128], carrier);
        properties.Add(PropertyIdentifier.ReasonString, ReasonString);
        properties.Add(UserProperties);
        writer.WritePropertySection(properties.Written);
        properties.Dispose();
    }
}
