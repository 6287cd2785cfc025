using Antiphon.Client;

namespace Antiphon.Cli.Connecting;

/// <summary>The first connection to the broker did not come about.</summary>
internal sealed class ConnectFailedException(MqttClientOptions options, ConnectionException reason) : Exception(reason.Message, reason)
{
    public MqttClientOptions Options => options;

    public ConnectionException Reason => reason;
}
