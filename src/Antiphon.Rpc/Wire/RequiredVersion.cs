using Antiphon.Client;
using Antiphon.Protocol;

namespace Antiphon.Rpc.Wire;

/// <summary>What requests and responses are made of, Response Topic and Correlation Data, came with MQTT 5 (§4.10).</summary>
internal static class RequiredVersion
{
    /// <summary>Turns a client away that could not say them.</summary>
    /// <exception cref="ArgumentException">The client speaks MQTT 3.1.1.</exception>
    public static void ThrowIfOlder(MqttClient client)
    {
        if (client.ProtocolVersion != ProtocolVersion.V5)
        {
            throw new ArgumentException(
                "The client speaks MQTT 3.1.1, which has no Response Topic and no Correlation Data; "
                + "requests and responses need MQTT 5 (§4.10).");
        }
    }
}
