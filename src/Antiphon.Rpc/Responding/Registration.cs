using Antiphon.Client;
using Antiphon.Rpc.Responding;

namespace Antiphon.Rpc;

/// <summary>One handler that answers the requests on one Topic Filter. It outlives reconnects until it is disposed. Safe from any thread.</summary>
public sealed class Registration : IAsyncDisposable
{
    internal Registration(Responder responder, string topicFilter, Func<Request, ValueTask<Reply>> handler)
    {
        Responder = responder;
        TopicFilter = topicFilter;
        Handler = handler;
    }

    /// <summary>The Topic Filter that was subscribed to, <c>$share/NAME/…</c> included.</summary>
    public string TopicFilter { get; }

    internal Responder Responder { get; }

    internal Func<Request, ValueTask<Reply>> Handler { get; }

    /// <summary>Set once, before the registration is given to the application.</summary>
    internal Subscription? Subscription { get; set; }

    // The responder's lock owns what follows.

    /// <summary>Handlers that run.</summary>
    internal int Running { get; set; }

    /// <summary>Requests that wait for a handler, in their order.</summary>
    internal LinkedList<ReceivedRequest> Waiting { get; } = [];

    /// <summary>Requests that were taken and are not dealt with yet.</summary>
    internal int Active { get; set; }

    /// <summary>Completed when <see cref="Active"/> comes to zero; <c>null</c>: nobody waits for that.</summary>
    internal TaskCompletionSource? Drained { get; set; }

    /// <summary>
    /// Ends the subscription, so that no new requests come, and waits until those that have come are answered, as long as <see cref="ResponderOptions.DrainTimeout"/> says; after that handlers are
    /// cancelled and their requests answered with status 503. Awaited from within a handler of this registration it waits for itself, and so for all that time.
    /// </summary>
    public ValueTask DisposeAsync() => Responder.EndAsync(this);
}
