using System.Diagnostics.CodeAnalysis;
using Antiphon.Client.Publishing;
using Antiphon.Protocol;

namespace Antiphon.Client.Stores;

/// <summary>
/// Tells the <see cref="MqttClientOptions.SessionStore"/>, if there is one, what happens to the Session.
/// A failure to store a PUBLISH is that publish's; every other is reported, and the Session goes on as if there were no store.
/// Guarded by the gate of <see cref="Sessions.ClientSession"/>.
/// </summary>
internal sealed class SessionJournal(ISessionStore? store, Action<Exception> failed)
{
    /// <summary>Whether anything outlives this client.</summary>
    public bool IsKept => store is not null;

    /// <summary>What an earlier client has left behind.</summary>
    /// <param name="options">Checked options.</param>
    /// <exception cref="ArgumentException">The store holds another Session than the options ask for.</exception>
    /// <exception cref="SessionStoreException">The store cannot be read.</exception>
    public StoredSession? Load(MqttClientOptions options)
    {
        if (Need(static (store, _) => store.Load(), options) is not { } session || options.CleanStart)
        {
            return null;
        }

        return session.ClientId == options.ClientId && session.ProtocolVersion == options.ProtocolVersion
            ? session
            : throw new ArgumentException(
                $"The SessionStore holds the Session of «{session.ClientId}» in {session.ProtocolVersion}, not of «{options.ClientId}» "
                + $"in {options.ProtocolVersion}. Use a store of its own, or CleanStart to throw the Session away.");
    }

    /// <summary>Notes that a new Session begins.</summary>
    /// <exception cref="SessionStoreException">The store cannot be written.</exception>
    public void Begin(MqttClientOptions options) => Need(
        static (store, options) =>
        {
            store.Begin(options.ClientId!, options.ProtocolVersion);
            return (StoredSession?)null;
        },
        options);

    /// <summary>Stores a PUBLISH before it is written.</summary>
    /// <returns>Why it must not be written; <c>null</c>: it may be.</returns>
    [SuppressMessage("Design", "CA1031", Justification = "Whatever the store throws is the outcome of this publish, and nothing else.")]
    public SessionStoreException? TryAddPublish(PendingPublish publish)
    {
        try
        {
            store?.AddPublish(publish.PacketIdentifier, publish.Packet);
            return null;
        }
        catch (Exception failure)
        {
            return new SessionStoreException(
                $"The message to «{publish.Topic}» could not be stored, so that it has not been sent: {failure.Message}", failure);
        }
    }

    public void ReleasePublish(PacketIdentifier identifier) =>
        Tell(static (store, identifier) => store.ReleasePublish(identifier), identifier);

    public void RemovePublish(PacketIdentifier identifier) =>
        Tell(static (store, identifier) => store.RemovePublish(identifier), identifier);

    public void AddReceived(PacketIdentifier identifier) => Tell(static (store, identifier) => store.AddReceived(identifier), identifier);

    public void RemoveReceived(PacketIdentifier identifier) =>
        Tell(static (store, identifier) => store.RemoveReceived(identifier), identifier);

    /// <summary>The client is over: a handler that outlives it writes nothing into a Session that may be another client's by now.</summary>
    public void Close() => store = null;

    public void Clear() => Tell(static (store, _) => store.Clear(), PacketIdentifier.None);

    [SuppressMessage("Design", "CA1031", Justification = "Whatever the store throws, there can be no client without it.")]
    private StoredSession? Need(Func<ISessionStore, MqttClientOptions, StoredSession?> what, MqttClientOptions options)
    {
        try
        {
            return store is null ? null : what(store, options);
        }
        catch (Exception failure)
        {
            throw new SessionStoreException($"The SessionStore cannot be used, so that there is no client: {failure.Message}", failure);
        }
    }

    [SuppressMessage("Design", "CA1031", Justification = "Whatever the store throws, the Session in memory goes on.")]
    private void Tell(Action<ISessionStore, PacketIdentifier> what, PacketIdentifier identifier)
    {
        if (store is null)
        {
            return;
        }

        try
        {
            what(store, identifier);
        }
        catch (Exception failure)
        {
            failed(failure);
        }
    }
}
