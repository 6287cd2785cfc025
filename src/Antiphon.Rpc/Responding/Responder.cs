using System.Runtime.CompilerServices;
using Antiphon.Client;
using Antiphon.Client.Sessions;
using Antiphon.Protocol.Packets;
using Antiphon.Protocol.Properties;
using Antiphon.Protocol.Topics;
using Antiphon.Rpc.Responding;
using Antiphon.Rpc.Wire;
using Microsoft.Extensions.Logging;

namespace Antiphon.Rpc;

/// <summary>
/// Answers Request Messages. Each handler runs concurrently up to a bound; beyond it requests wait, and beyond that they are answered at
/// once with status 429. A request that comes again is answered again and not run again. Safe from any thread and from within handlers.
/// </summary>
/// <remarks>
/// A QoS 1 or 2 request is acknowledged after its response, or when its time is up. It is acknowledged before that when its handler has run
/// for a second, or when half of the client's <see cref="MqttClientOptions.ReceiveMaximum"/> waits behind it, since MQTT has
/// acknowledgements leave in order [MQTT-4.6.0-2] and it would hold up everything else that comes to the client.
/// What is lost then when this program ends is not sent again: its requester hears nothing and times out.
/// </remarks>
public sealed class Responder : IAsyncDisposable
{
    /// <summary>In SUBSCRIBE: that requests are answered here, whatever the filter begins with (docs/wire.md).</summary>
    private static readonly UserProperty[] SaysItResponds = [new(RpcPropertyName.Respond, "1")];

    private readonly ClientSession _session;
    private readonly ResponderOptions _options;

    // Guarded by the gate of the Session.
    private readonly HashSet<Registration> _registrations = [];

    // A filter keeps its number when its registration ends and another is made: what was run before must not be run again.
    private readonly Dictionary<string, int> _numbers = [];
    private ScheduledCompletion<ValueTuple>? _disposed;

    /// <summary>Makes a responder that answers nothing yet.</summary>
    /// <param name="client">
    /// The client to receive and send with; it stays the caller's to dispose, after the responder. May be shared with requesters and other
    /// responders.
    /// </param>
    /// <param name="options">How to work; <c>null</c>: the defaults.</param>
    /// <exception cref="ArgumentException">
    /// The options are not valid, all mistakes are named; or the client speaks MQTT 3.1.1, which has no requests and responses.
    /// </exception>
    public Responder(MqttClient client, ResponderOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(client);
        RequiredVersion.ThrowIfOlder(client);
        _session = client.Session;
        _options = options ?? new ResponderOptions();
        _options.Validate();
        var secret = _session.NextSecret();
        Requests = new OpenRequests(_session, _options, new ResponderLog(_options.LoggerFactory.CreateLogger<Responder>()), secret);
        lock (_session.Gate)
        {
            _session.Watch(Requests);
        }
    }

    /// <summary>What has been counted so far.</summary>
    public ResponderCounters Counters
    {
        get
        {
            lock (_session.Gate)
            {
                return Requests.Counters(_registrations);
            }
        }
    }

    internal OpenRequests Requests { get; }

    /// <summary>Has a handler answer the requests on a Topic Filter. Completes when the server has granted the subscription.</summary>
    /// <param name="topicFilter">
    /// The Topic Filter; wildcards are allowed. A share group is joined with <see cref="RespondOptions.ShareName"/>.
    /// </param>
    /// <param name="handler">
    /// Makes the answer, on a thread of the pool; may run several times at once. An exception is logged, and the requester gets status 500
    /// without its text.
    /// </param>
    /// <param name="options">What this registration has of its own; <c>null</c>: nothing.</param>
    /// <param name="cancellationToken">Gives the registration up while it is being made.</param>
    /// <returns>The registration; dispose it to end it.</returns>
    /// <exception cref="ArgumentException">The filter or the options are not valid.</exception>
    /// <exception cref="InvalidOperationException">The client has a subscription with that filter.</exception>
    /// <exception cref="RefusedException">The server refused the subscription.</exception>
    /// <exception cref="ConnectionException">The client has stopped.</exception>
    /// <exception cref="ObjectDisposedException">The responder is disposed.</exception>
    [OverloadResolutionPriority(1)]
    public Task<Registration> RespondAsync(
        string topicFilter, Func<Request, Reply> handler, RespondOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(handler);
        return RegisterAsync(topicFilter, request => new ValueTask<Reply>(handler(request)), options, cancellationToken);
    }

    /// <inheritdoc cref="RespondAsync(string, Func{Request, Reply}, RespondOptions?, CancellationToken)"/>
    public Task<Registration> RespondAsync(
        string topicFilter,
        Func<Request, Task<Reply>> handler,
        RespondOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(handler);
        return RegisterAsync(topicFilter, request => new ValueTask<Reply>(handler(request)), options, cancellationToken);
    }

    /// <summary>
    /// Ends all registrations as <see cref="Registration.DisposeAsync"/> does, all at once; what has not been granted yet is given up. The
    /// client goes on. A second call waits for the first.
    /// </summary>
    public async ValueTask DisposeAsync()
    {
        Registration[] registrations;
        Task? disposed;
        lock (_session.Gate)
        {
            disposed = _disposed?.Task;
            _disposed ??= new ScheduledCompletion<ValueTuple>(_session.Scheduler);
            registrations = [.. _registrations];
        }

        if (disposed is not null)
        {
            await disposed.ConfigureAwait(false);
            return;
        }

        await Task.WhenAll(registrations.Select(registration => EndAsync(registration).AsTask())).ConfigureAwait(false);
        lock (_session.Gate)
        {
            _session.Unwatch(Requests);
        }

        Requests.Stop();
        _disposed.TrySetResult(default);
    }

    internal async ValueTask EndAsync(Registration registration)
    {
        registration.GiveUp();

        // A server that does not answer any more must not hold this up.
        var last = _options.DrainTimeout / 5;
        var ended = EndAndDrainAsync(registration);
        if (!await IsInTimeAsync(ended, _options.DrainTimeout - last).ConfigureAwait(false))
        {
            Requests.StopHandlers(registration);

            // For the answers to reach the server; without a connection they never do.
            await IsInTimeAsync(ended, last).ConfigureAwait(false);
        }

        Forget(registration);
    }

    /// <summary>Ends the subscription, and waits until what has come through it is dealt with; never fails.</summary>
    private async Task EndAndDrainAsync(Registration registration)
    {
        await _session.UnsubscribeAsync(registration.Subscription).ConfigureAwait(false);
        Task drained;
        lock (_session.Gate)
        {
            drained = registration.Draining.WhenDrained();
        }

        await drained.ConfigureAwait(false);
    }

    private async Task<Registration> RegisterAsync(
        string topicFilter, Func<Request, ValueTask<Reply>> handler, RespondOptions? options, CancellationToken cancellationToken)
    {
        options ??= RespondOptions.Default;
        options.Validate();
        var filter = TopicFilter.Parse(options.ShareName is null ? topicFilter : $"$share/{options.ShareName}/{topicFilter}");
        cancellationToken.ThrowIfCancellationRequested();
        var registration = Begin(filter, handler, options);
        try
        {
            await registration.Subscribed.WaitAsync(cancellationToken).ConfigureAwait(false);
            return registration;
        }
        catch (OperationCanceledException)
        {
            // It never fails, and nobody waits for it.
            _ = _session.UnsubscribeAsync(registration.Subscription);
            Forget(registration);
            throw;
        }
        catch (Exception failure) when (failure is MqttException or ObjectDisposedException)
        {
            Forget(registration);
            throw;
        }
    }

    private Registration Begin(in TopicFilter filter, Func<Request, ValueTask<Reply>> handler, RespondOptions options)
    {
        Registration registration;
        lock (_session.Gate)
        {
            ObjectDisposedException.ThrowIf(_disposed is not null, this);
            var queue = new RequestQueue(_options.MaximumConcurrency, _options.MaximumWaiting);
            registration = new Registration(this, filter, handler, NumberOf(filter.ToString()), queue, _session.Scheduler);
            registration.Runs = new HandlerRuns(Requests, registration, _options, _session);
            registration.Subscription = _session.Subscribe(
                registration.TopicFilter,
                registration,
                new SubscribeOptions
                {
                    MaximumQoS = options.MaximumQoS,
                    RetainHandling = RetainHandling.DoNotSend,
                    UserProperties = SaysItResponds,
                });
            _registrations.Add(registration);
        }

        _session.AfterGate();
        return registration;
    }

    private int NumberOf(string topicFilter)
    {
        if (!_numbers.TryGetValue(topicFilter, out var number))
        {
            _numbers.Add(topicFilter, number = _numbers.Count + 1);
        }

        return number;
    }

    private void Forget(Registration registration)
    {
        lock (_session.Gate)
        {
            registration.HasEnded = true;
            _registrations.Remove(registration);
        }
    }

    private async Task<bool> IsInTimeAsync(Task task, TimeSpan limit)
    {
        try
        {
            await task.WaitAsync(limit, _options.TimeProvider).ConfigureAwait(false);
            return true;
        }
        catch (TimeoutException)
        {
            return false;
        }
    }
}
