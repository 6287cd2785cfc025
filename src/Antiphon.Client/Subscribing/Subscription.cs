using System.Text;
using Antiphon.Client.Receiving;
using Antiphon.Client.Sessions;
using Antiphon.Client.Subscribing;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;

namespace Antiphon.Client;

/// <summary>A subscription that the server has granted. It outlives reconnects until it is disposed. Safe from any thread.</summary>
public sealed class Subscription : IAsyncDisposable
{
    private readonly ClientSession _session;
    private readonly Protocol.Topics.TopicFilter _filter;
    private readonly byte[] _pattern;

    private Subscription(
        ClientSession session,
        string topicFilter,
        Protocol.Topics.TopicFilter filter,
        SubscribeOptions options,
        RawMessageHandler? rawHandler,
        IMessageSink? sink)
    {
        _session = session;
        _filter = filter;
        _pattern = Encoding.UTF8.GetBytes(filter.Pattern);
        TopicFilter = topicFilter;
        Options = options;
        RawHandler = rawHandler;
        Granted = new ScheduledCompletion<Subscription>(session.Scheduler);
        Left = new ScheduledCompletion<RefusedException?>(session.Scheduler);
        Sink = sink;
    }

    /// <summary>The Topic Filter, <c>$share/…</c> included.</summary>
    public string TopicFilter { get; }

    /// <summary>What it was asked for with.</summary>
    public SubscribeOptions Options { get; }

    /// <summary>What the server said last: the granted QoS, or from 0x80 on why it refused to subscribe again after a reconnect.</summary>
    public ReasonCode ReasonCode { get; internal set; }

    /// <summary>The highest QoS that messages come with.</summary>
    public QualityOfService GrantedQoS => ReasonCode switch
    {
        ReasonCode.GrantedQoS1 => QualityOfService.AtLeastOnce,
        ReasonCode.GrantedQoS2 => QualityOfService.ExactlyOnce,
        _ => QualityOfService.AtMostOnce,
    };

    // Guarded by the session's gate.
    internal SubscriptionState State { get; set; }

    /// <summary>Whether a SUBSCRIBE for it has been written: then the server may have it, whether the answer came or not.</summary>
    internal bool WasAskedFor { get; set; }

    internal PacketIdentifier SubscribePacket { get; set; }

    internal PacketIdentifier UnsubscribePacket { get; set; }

    /// <summary>1 to 268,435,455; given when it enters the table.</summary>
    internal uint Identifier { get; set; }

    internal ScheduledCompletion<Subscription> Granted { get; }

    /// <summary>Ends with the UNSUBACK, or with the connection that would have brought it.</summary>
    internal ScheduledCompletion<RefusedException?> Left { get; }

    // Set once, before the first message can arrive.
    internal RawMessageHandler? RawHandler { get; }

    internal IMessageSink? Sink { get; }

    internal HandlerQueue? Queue { get; set; }

    internal bool IsShared => _filter.IsShared;

    internal bool HasWildcard => _filter.HasWildcard;

    /// <summary>Checks what the caller asks for.</summary>
    internal static Subscription Create(
        ClientSession session, string topicFilter, SubscribeOptions? options, RawMessageHandler? rawHandler, IMessageSink? sink = null)
    {
        var filter = Protocol.Topics.TopicFilter.Parse(topicFilter);
        options ??= new SubscribeOptions();
        options.Validate(filter, session.ProtocolVersion);
        return new Subscription(session, topicFilter, filter, options, rawHandler, sink);
    }

    /// <summary>
    /// Gives the subscription up. Completes when the server has said so and the handler has dealt with what had arrived;
    /// when called from within a handler, it does not wait for that.
    /// Without a connection it does not wait for the server, which hears of it after the reconnect.
    /// </summary>
    /// <param name="cancellationToken">Ends the wait, not the giving up.</param>
    /// <exception cref="RefusedException">The server refused the UNSUBSCRIBE.</exception>
    public async Task UnsubscribeAsync(CancellationToken cancellationToken = default)
    {
        if (await LeaveAsync(cancellationToken).ConfigureAwait(false) is { } refused)
        {
            throw refused;
        }
    }

    /// <summary>As <see cref="UnsubscribeAsync"/>, but a refusal is only logged.</summary>
    public async ValueTask DisposeAsync() => await LeaveAsync(CancellationToken.None).ConfigureAwait(false);

    internal bool Matches(ReadOnlySpan<byte> topic) => Protocol.Topics.TopicFilter.Matches(_pattern, topic);

    internal SubscribePacket ToPacket(PacketIdentifier packetIdentifier, bool withIdentifier) => new()
    {
        PacketIdentifier = packetIdentifier,
        Subscriptions =
        [
            new RequestedSubscription(
                TopicFilter,
                new SubscriptionOptions(Options.MaximumQoS, Options.NoLocal, Options.RetainAsPublished, Options.RetainHandling)),
        ],
        SubscriptionIdentifier = withIdentifier ? Identifier : null,
        UserProperties = Options.UserProperties,
    };

    private async Task<RefusedException?> LeaveAsync(CancellationToken cancellationToken)
    {
        var refused = await _session.UnsubscribeAsync(this).WaitAsync(cancellationToken).ConfigureAwait(false);
        if (Queue is not null && !CallbackScope.IsWithin(_session))
        {
            await Queue.WhenIdleAsync().WaitAsync(cancellationToken).ConfigureAwait(false);
        }

        return refused;
    }
}
