using System.Runtime.CompilerServices;
using System.Text;
using Antiphon.Client;
using Antiphon.Client.Publishing;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;
using Antiphon.Protocol.Topics;
using Antiphon.Rpc.Responding;
using Antiphon.Rpc.Timing;
using Antiphon.Rpc.Wire;
using Microsoft.Extensions.Logging;

namespace Antiphon.Rpc;

/// <summary>
/// Answers Request Messages. Each handler runs concurrently up to a bound; beyond it requests wait, and beyond that they are answered at once with status 429. A QoS 1 request is acknowledged after its
/// response, or when its time is up. A request that comes again is answered again and not run again. Safe from any thread and from within handlers.
/// </summary>
public sealed partial class Responder : IAsyncDisposable
{
    private readonly MqttClient _client;
    private readonly ResponderOptions _options;
    private readonly ILogger _logger;
    private readonly DeadlineTimer _timer;

    // Owns everything below, and the requests. Never held while the client or a handler is called.
    private readonly Lock _gate = new();
    private readonly RequestTable _table;
    private readonly HashSet<Registration> _registrations = [];
    private ResponderCounters _counters;
    private int _session;
    private bool _isDisposed;

    /// <summary>Makes a responder that answers nothing yet.</summary>
    /// <param name="client">The client to receive and send with; it stays the caller's to dispose, after the responder. May be shared with requesters and other responders.</param>
    /// <param name="options">How to work; <c>null</c>: the defaults.</param>
    /// <exception cref="ArgumentException">The options are not valid, all mistakes are named; or the client speaks MQTT 3.1.1, which has no requests and responses.</exception>
    public Responder(MqttClient client, ResponderOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(client);
        RequiredVersion.ThrowIfOlder(client, nameof(client));
        _client = client;
        _options = options ?? new ResponderOptions();
        _options.Validate();
        _logger = _options.LoggerFactory.CreateLogger<Responder>();
        _table = new RequestTable(_options.MaximumConcurrency, _options.MaximumWaiting, _options.MaximumRememberedBytes);
        _timer = new DeadlineTimer(_options.TimeProvider, Tick);
        _client.StateChanged += OnStateChanged;
    }

    /// <summary>What has been counted so far.</summary>
    public ResponderCounters Counters
    {
        get
        {
            lock (_gate)
            {
                return _counters with { Running = _table.Running, Waiting = _table.Waiting };
            }
        }
    }

    internal TimeSpan Now => _timer.Now;

    /// <summary>Has a handler answer the requests on a Topic Filter. Completes when the server has granted the subscription.</summary>
    /// <param name="topicFilter">The Topic Filter; wildcards are allowed. A share group is joined with <see cref="RespondOptions.ShareName"/>.</param>
    /// <param name="handler">
    /// Makes the answer, on a thread of the pool; may run several times at once. An exception is logged, and the requester gets status 500 without its text.
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
        string topicFilter, Func<Request, Task<Reply>> handler, RespondOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(handler);
        return RegisterAsync(topicFilter, request => new ValueTask<Reply>(handler(request)), options, cancellationToken);
    }

    /// <summary>Ends all registrations as <see cref="Registration.DisposeAsync"/> does, all at once. The client goes on.</summary>
    public async ValueTask DisposeAsync()
    {
        Task[] ending;
        lock (_gate)
        {
            if (_isDisposed)
            {
                return;
            }

            _isDisposed = true;
            ending = [.. _registrations.Select(registration => EndAsync(registration).AsTask())];
        }

        await Task.WhenAll(ending).ConfigureAwait(false);
        _client.StateChanged -= OnStateChanged;
        _timer.Dispose();
    }

    internal async ValueTask EndAsync(Registration registration)
    {
        // Off the lock of DisposeAsync.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        if (registration.Subscription is { } subscription)
        {
            await subscription.DisposeAsync().ConfigureAwait(false);
        }

        if (!await DrainedInTimeAsync(registration).ConfigureAwait(false))
        {
            StopHandlers(registration);

            // For the answers to reach the server; without a connection they never do.
            await DrainedInTimeAsync(registration).ConfigureAwait(false);
        }

        lock (_gate)
        {
            _registrations.Remove(registration);
        }
    }

    /// <summary>Runs the handler of a request, and then of those that wait, on a thread of the pool.</summary>
    internal async void Run(ReceivedRequest first)
    {
        ReceivedRequest? request = first;
        while (request is not null)
        {
            Answer(request, await HandleAsync(request).ConfigureAwait(false));
            lock (_gate)
            {
                _table.TryTakeNext(first.Registration, out request);
            }
        }
    }

    private async Task<Registration> RegisterAsync(
        string topicFilter, Func<Request, ValueTask<Reply>> handler, RespondOptions? options, CancellationToken cancellationToken)
    {
        options ??= RespondOptions.Default;
        var filter = TopicFilter.Parse(options.ShareName is null ? topicFilter : $"$share/{options.ShareName}/{topicFilter}");
        var registration = new Registration(this, filter.ToString(), handler);
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            _registrations.Add(registration);
        }

        try
        {
            registration.Subscription = await _client.SubscribeRawAsync(
                registration.TopicFilter,
                (in message, in acknowledgement) => OnMessage(registration, filter, message, acknowledgement),
                new SubscribeOptions { MaximumQoS = options.MaximumQoS, RetainHandling = RetainHandling.DoNotSend },
                cancellationToken).ConfigureAwait(false);
            return registration;
        }
        catch
        {
            lock (_gate)
            {
                _registrations.Remove(registration);
            }

            throw;
        }
    }

    /// <summary>Takes a message on the client's receive loop.</summary>
    private void OnMessage(Registration registration, in TopicFilter filter, in PublishView message, in Acknowledgement acknowledgement)
    {
        var now = _timer.Now;
        var budget = RequestBudget.Of(message, now, _options.DefaultTimeout);
        if (!TryAccept(filter, message, budget, now))
        {
            acknowledgement.Complete();
            return;
        }

        var request = new ReceivedRequest(registration, message, acknowledgement, budget, Volatile.Read(ref _session));
        Admission admission;
        ReceivedRequest? known;
        lock (_gate)
        {
            admission = _table.Admit(request, out known);
            Count(admission, request);
            if (admission == Admission.Joined)
            {
                known!.Join(acknowledgement);
            }
            else if (admission != Admission.Late)
            {
                registration.Active++;
            }

            _timer.Arm(_table.NextDeadline, now);
        }

        switch (admission)
        {
            case Admission.Run:
                ThreadPool.UnsafeQueueUserWorkItem(request, preferLocal: false);
                break;
            case Admission.Overloaded:
                Send(request, Reply.Failure(429, "The responder is overloaded.") with { RetryAfter = _options.RetryAfter });
                break;
            case Admission.Repeat:
                Send(request, known!.Answer!);
                break;
            case Admission.Late:
                request.Acknowledge();
                break;
            default:
                // It waits, or goes with the first.
                break;
        }
    }

    /// <summary>Turns away what is no request to be run.</summary>
    private bool TryAccept(in TopicFilter filter, in PublishView message, in RequestBudget budget, TimeSpan now)
    {
        lock (_gate)
        {
            _counters = _counters with { Requests = _counters.Requests + 1 };
            if (message.Retain)
            {
                _counters = _counters with { Retained = _counters.Retained + 1 };
                return false;
            }

            if (budget.Deadline <= now)
            {
                _counters = _counters with { Expired = _counters.Expired + 1 };
                return false;
            }

            // The answer would come back as a command.
            if (!message.ResponseTopic.IsEmpty && filter.Matches(Encoding.UTF8.GetString(message.ResponseTopic)))
            {
                _counters = _counters with { InvalidResponseTopics = _counters.InvalidResponseTopics + 1 };
                return false;
            }

            return true;
        }
    }

    private void Count(Admission admission, ReceivedRequest request)
    {
        switch (admission)
        {
            case Admission.Repeat or Admission.Joined or Admission.Late:
                _counters = _counters with { Repeated = _counters.Repeated + 1 };
                break;
            case Admission.Overloaded:
                _counters = _counters with { Overloaded = _counters.Overloaded + 1 };
                break;
            default:
                _counters = request.Request.ResponseTopic is null ? _counters with { Notifications = _counters.Notifications + 1 } : _counters;
                break;
        }
    }

    private async ValueTask<Reply> HandleAsync(ReceivedRequest request)
    {
        try
        {
            return await request.Registration.Handler(request.Request).ConfigureAwait(false) ?? Reply.Empty;
        }
        catch (ReplyException error)
        {
            return error.Reply;
        }
        catch (OperationCanceledException) when (request.IsCancelled)
        {
            return Reply.Failure(503, "The responder is shutting down.");
        }
#pragma warning disable CA1031 // The handler is the application's: whatever it throws is answered, and must not end the loop.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            lock (_gate)
            {
                _counters = _counters with { HandlerFailures = _counters.HandlerFailures + 1 };
            }

            LogHandlerFailed(_logger, request.Registration.TopicFilter, exception);
            return Reply.Error(500, _options.ExposeExceptions ? exception.Message : "The handler failed.");
        }
    }

    /// <summary>The handler, or whoever speaks for it, has an answer. Only the first one is sent, and none after the time is up.</summary>
    private void Answer(ReceivedRequest request, Reply reply)
    {
        bool isFirst;
        lock (_gate)
        {
            isFirst = _table.TryAnswer(request, request.Request.ResponseTopic is null ? null : reply);
            _counters = isFirst && request.Answer is not null ? _counters with { Answered = _counters.Answered + 1 } : _counters;
            _timer.Arm(_table.NextDeadline, _timer.Now);
        }

        if (isFirst)
        {
            Send(request, reply);
        }
    }

    private void Send(ReceivedRequest request, Reply reply)
    {
        if (request.Request.ResponseTopic is null)
        {
            request.Acknowledge();
            Done(request.Registration);
            return;
        }

        _ = SendAsync(request, reply);
    }

    /// <summary>Publishes the answer and then acknowledges the request. Never throws; the registration's count of active requests observes it.</summary>
    private async Task SendAsync(ReceivedRequest request, Reply reply)
    {
        try
        {
            PublishResult result;
            try
            {
                result = await Publish(request, reply).ConfigureAwait(false);
            }
            catch (RefusedException refused) when (refused.ReasonCode == ReasonCode.PacketTooLarge)
            {
                result = await Publish(request, Reply.Failure(500, "The response is larger than the server accepts.")).ConfigureAwait(false);
            }

            if (result.NoMatchingSubscribers)
            {
                CountUndelivered();
            }
        }
#pragma warning disable CA1031 // An answer that cannot be sent must not take the responder with it.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            CountUndelivered();
            LogUndelivered(_logger, request.Request.ResponseTopic!, exception);
        }
        finally
        {
            request.Acknowledge();
            Done(request.Registration);
        }
    }

    private ValueTask<PublishResult> Publish(ReceivedRequest request, Reply reply)
    {
        var properties = new PropertySection(stackalloc byte[512]);
        try
        {
            properties.AddPayloadFormat(reply.PayloadIsUtf8);
            if (request.Remaining is { } remaining)
            {
                properties.AddExpiry(remaining);
            }

            properties.AddContentType(reply.ContentType);
            if (request.Message.HasCorrelationData)
            {
                properties.AddCorrelation(request.Message.CorrelationData.Span);
            }

            properties.AddUser(RpcPropertyName.Status, reply.Status);
            properties.AddUser(RpcPropertyName.StatusMessage, reply.StatusMessage);
            if (reply.IsApplicationError)
            {
                properties.AddUser(RpcPropertyName.ApplicationError, "true"u8);
            }

            properties.AddUser(RpcPropertyName.ProtocolVersion, RpcPropertyName.Version);
            if (reply.RetryAfter is { } retryAfter)
            {
                properties.AddUser(RpcPropertyName.RetryAfter, (long)retryAfter.TotalMilliseconds);
            }

            properties.AddUser(reply.UserProperties);
            return _client.Publishes.PublishAsync(new PublishContent
            {
                Topic = Encoding.UTF8.GetBytes(request.Request.ResponseTopic!),
                Payload = reply.Payload.Span,
                Properties = properties.Written,
                QoS = request.Request.QoS,
            }, CancellationToken.None);
        }
        finally
        {
            properties.Dispose();
        }
    }

    private void CountUndelivered()
    {
        lock (_gate)
        {
            _counters = _counters with { Undelivered = _counters.Undelivered + 1 };
        }
    }

    private void Done(Registration registration)
    {
        TaskCompletionSource? drained;
        lock (_gate)
        {
            drained = --registration.Active == 0 ? registration.Drained : null;
        }

        drained?.TrySetResult();
    }

    private async Task<bool> DrainedInTimeAsync(Registration registration)
    {
        Task drained;
        lock (_gate)
        {
            if (registration.Active == 0)
            {
                return true;
            }

            registration.Drained ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            drained = registration.Drained.Task;
        }

        try
        {
            await drained.WaitAsync(_options.DrainTimeout, _options.TimeProvider).ConfigureAwait(false);
            return true;
        }
        catch (TimeoutException)
        {
            return false;
        }
    }

    /// <summary>Waited long enough: handlers are told to stop, and whoever waits for them is told that nothing will come.</summary>
    private void StopHandlers(Registration registration)
    {
        List<ReceivedRequest> unanswered;
        lock (_gate)
        {
            unanswered = _table.Unanswered(registration);
        }

        foreach (var request in unanswered)
        {
            request.Cancel();
            Answer(request, Reply.Failure(503, "The responder is shutting down."));
        }
    }

    private void Tick()
    {
        List<(ReceivedRequest Request, bool WasRunning)>? due = null;
        lock (_gate)
        {
            var now = _timer.Now;
            _timer.Fired();
            while (_table.TryTakeDue(now, out var expired, out var wasRunning))
            {
                if (expired is not null)
                {
                    (due ??= []).Add((expired, wasRunning));
                    _counters = wasRunning ? _counters with { Overran = _counters.Overran + 1 } : _counters with { Expired = _counters.Expired + 1 };
                }
            }

            _timer.Arm(_table.NextDeadline, now);
        }

        if (due is null)
        {
            return;
        }

        foreach (var (request, _) in due)
        {
            request.Acknowledge();
            request.Cancel();
            Done(request.Registration);
        }
    }

    private void OnStateChanged(object? sender, ConnectionStateChange change)
    {
        if (change is { State: ConnectionState.Connected, SessionPresent: false })
        {
            Interlocked.Increment(ref _session);
        }
    }
}
