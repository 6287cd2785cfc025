using Antiphon.Protocol;

namespace Antiphon.Client;

/// <summary>A subscription that the server has granted. It outlives reconnects until it is disposed. Safe from any thread.</summary>
public sealed class Subscription : IAsyncDisposable
{
    internal Subscription()
    {
    }

    /// <summary>The Topic Filter, <c>$share/…</c> included.</summary>
    public string TopicFilter => throw new NotImplementedException();

    /// <summary>What it was asked for with.</summary>
    public SubscribeOptions Options => throw new NotImplementedException();

    /// <summary>What the server said last: the granted QoS, or from 0x80 on why it refused to subscribe again after a reconnect.</summary>
    public ReasonCode ReasonCode => throw new NotImplementedException();

    /// <summary>The highest QoS that messages come with.</summary>
    public QualityOfService GrantedQoS => throw new NotImplementedException();

    /// <summary>
    /// Gives the subscription up. Completes when the server has said so and the handler has dealt with what had arrived; when called from within the handler, it does not wait for that.
    /// Without a connection it completes at once, and the server hears of it after the reconnect.
    /// </summary>
    /// <param name="cancellationToken">Ends the wait, not the giving up.</param>
    /// <exception cref="RefusedException">The server refused the UNSUBSCRIBE.</exception>
    public Task UnsubscribeAsync(CancellationToken cancellationToken = default) => throw new NotImplementedException();

    /// <summary>As <see cref="UnsubscribeAsync"/>, but a refusal is only logged.</summary>
    public ValueTask DisposeAsync() => throw new NotImplementedException();
}
