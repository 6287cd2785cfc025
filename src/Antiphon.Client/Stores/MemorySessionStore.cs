using Antiphon.Protocol;

namespace Antiphon.Client;

/// <summary>
/// A store that lasts as long as its object: for tests, and for clients that come and go within one program. Thread-safe.
/// </summary>
public sealed class MemorySessionStore : ISessionStore
{
    private readonly Lock _lock = new();
    private readonly List<StoredPublish> _publishes = [];
    private readonly List<PacketIdentifier> _released = [];
    private readonly List<PacketIdentifier> _received = [];
    private (string ClientId, ProtocolVersion Version)? _session;

    /// <inheritdoc/>
    public StoredSession? Load()
    {
        lock (_lock)
        {
            return _session is not { } session ? null : new StoredSession
            {
                ClientId = session.ClientId,
                ProtocolVersion = session.Version,
                Publishes = [.. _publishes],
                Released = [.. _released],
                Received = [.. _received],
            };
        }
    }

    /// <inheritdoc/>
    public void Begin(string clientId, ProtocolVersion version)
    {
        lock (_lock)
        {
            Forget();
            _session = (clientId, version);
        }
    }

    /// <inheritdoc/>
    public void Clear()
    {
        lock (_lock)
        {
            Forget();
        }
    }

    /// <inheritdoc/>
    public void AddPublish(PacketIdentifier identifier, ReadOnlySpan<byte> packet)
    {
        var copy = packet.ToArray();
        lock (_lock)
        {
            _publishes.Add(new StoredPublish(identifier, copy));
        }
    }

    /// <inheritdoc/>
    public void ReleasePublish(PacketIdentifier identifier)
    {
        lock (_lock)
        {
            _publishes.RemoveAll(publish => publish.Identifier == identifier);
            _released.Add(identifier);
        }
    }

    /// <inheritdoc/>
    public void RemovePublish(PacketIdentifier identifier)
    {
        lock (_lock)
        {
            _publishes.RemoveAll(publish => publish.Identifier == identifier);
            _released.Remove(identifier);
        }
    }

    /// <inheritdoc/>
    public void AddReceived(PacketIdentifier identifier)
    {
        lock (_lock)
        {
            if (!_received.Contains(identifier))
            {
                _received.Add(identifier);
            }
        }
    }

    /// <inheritdoc/>
    public void RemoveReceived(PacketIdentifier identifier)
    {
        lock (_lock)
        {
            _received.Remove(identifier);
        }
    }

    private void Forget()
    {
        _session = null;
        _publishes.Clear();
        _released.Clear();
        _received.Clear();
    }
}
