using Antiphon.Broker.Connections;
using Antiphon.Broker.Timing;

namespace Antiphon.Broker.Authentication;

/// <summary>When the proof of who a client is expires, such as a token. Only connections have one whose proof does.</summary>
internal sealed class ProofExpiry
{
    public ProofExpiry(Connection connection)
    {
        Connection = connection;
        Deadline = new Deadline(this);
    }

    public Connection Connection { get; }

    public Deadline Deadline { get; }
}
