using Antiphon.Client;

namespace Antiphon.Cli.Connecting;

/// <summary>The first connection to the broker did not come about.</summary>
internal sealed class ConnectFailedException(string host, int port, ConnectionException reason) : Exception(reason.Message, reason)
{
    public string Host => host;

    public int Port => port;

    public ConnectionException Reason => reason;
}
