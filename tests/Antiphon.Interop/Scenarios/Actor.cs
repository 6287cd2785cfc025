using System.Globalization;
using System.Text;
using Antiphon.Interop.Libraries;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;

namespace Antiphon.Interop.Scenarios;

/// <summary>A client in a scenario: what it is told, what it sees, and the connection that can be cut.</summary>
internal sealed class Actor(IPeerClient client, Connecting how, Relay relay) : IAsyncDisposable
{
    private readonly StringBuilder _story = new();

    public string ClientId => how.ClientId;

    public Relay Relay => relay;

    /// <summary>What happened, for the reader of a failed test.</summary>
    public string Story
    {
        get
        {
            lock (_story)
            {
                return _story.ToString();
            }
        }
    }

    public async Task<Connack> ConnectAsync()
    {
        relay.Open();
        var connack = await InTime(client.ConnectAsync(relay.Port, how));
        Note($"connect {how} -> {connack}");
        Assert.Equal(0, connack.Reason);
        return connack;
    }

    /// <summary>Subscribes and expects to be granted the QoS.</summary>
    public async Task SubscribeAsync(
        string topicFilter, QualityOfService qos, Func<SubscriptionOptions, SubscriptionOptions>? with = null, uint? identifier = null)
    {
        var options = new SubscriptionOptions(qos);
        var reason = await InTime(client.SubscribeAsync(topicFilter, with?.Invoke(options) ?? options, identifier));
        Note($"subscribe {topicFilter} -> {reason}");
        Assert.Equal((int)qos, reason);
    }

    public async Task UnsubscribeAsync(string topicFilter)
    {
        await InTime(client.UnsubscribeAsync(topicFilter));
        Note($"unsubscribe {topicFilter}");
    }

    public Task PublishAsync(
        string topic,
        string payload,
        QualityOfService qos,
        Func<ApplicationMessage, ApplicationMessage>? with = null,
        ushort? topicAlias = null)
    {
        var message = new ApplicationMessage { Topic = topic, Payload = Encoding.UTF8.GetBytes(payload), QoS = qos };
        return PublishAsync(with?.Invoke(message) ?? message, topicAlias);
    }

    public async Task PublishAsync(ApplicationMessage message, ushort? topicAlias = null)
    {
        await InTime(client.PublishAsync(message, topicAlias));
        Note($"publish {message.Topic} {message.Payload.Length} bytes, QoS {message.QoS}");
    }

    /// <summary>Sends DISCONNECT; ends when the broker has closed the connection.</summary>
    public async Task DisconnectAsync(ReasonCode reason = ReasonCode.Success)
    {
        await InTime(client.DisconnectAsync(reason));
        await InTime(relay.WhenEndedAsync());
        Note($"disconnect {reason}");
    }

    /// <summary>The connection is cut without DISCONNECT; ends when the library has told of it.</summary>
    public async Task CutAsync()
    {
        relay.Cut();
        await ClosedAsync();
    }

    /// <summary>Waits until the connection has ended, and gives the reason in the server's DISCONNECT.</summary>
    public async Task<int?> ClosedAsync() =>
        await NextAsync() is var next && next is Closed closed
            ? closed.Reason
            : throw new InvalidOperationException($"Not closed: {next}");

    /// <summary>All messages until the connection has ended.</summary>
    public async Task<IReadOnlyList<Seen>> ReceiveUntilClosedAsync()
    {
        var received = new List<Seen>();
        while (await NextAsync() is Seen seen)
        {
            received.Add(seen);
        }

        return received;
    }

    public async Task<Seen> ReceiveAsync() =>
        await NextAsync() is var next && next is Seen seen ? seen : throw new InvalidOperationException($"Not a message: {next}");

    public async Task<Seen[]> ReceiveAsync(int count)
    {
        var received = new Seen[count];
        for (var i = 0; i < count; i++)
        {
            received[i] = await ReceiveAsync();
        }

        return received;
    }

    /// <summary>
    /// All messages before the one with this payload. The broker sends in order, so what is not among them does not come.
    /// </summary>
    public async Task<IReadOnlyList<Seen>> ReceiveUntilAsync(string payload)
    {
        var received = new List<Seen>();
        while (true)
        {
            var next = await ReceiveAsync();
            if (next.Text == payload)
            {
                return received;
            }

            received.Add(next);
        }
    }

    public async ValueTask DisposeAsync()
    {
        try
        {
            await client.DisposeAsync();
        }
        finally
        {
            await relay.DisposeAsync();
        }
    }

    private static Task InTime(Task task) => task.WaitAsync(Peers.Patience);

    private static Task<T> InTime<T>(Task<T> task) => task.WaitAsync(Peers.Patience);

    private async Task<PeerEvent> NextAsync()
    {
        using var patience = new CancellationTokenSource(Peers.Patience);
        try
        {
            var next = await client.Events.ReadAsync(patience.Token);
            Note(next is Seen { Message: var message, Dup: var dup }
                ? $"received {message.Topic} {message.Payload.Length} bytes, QoS {message.QoS}, retain {message.Retain}, dup {dup}"
                : $"{next}");
            return next;
        }
        catch (OperationCanceledException)
        {
            throw new TimeoutException($"Nothing more happened to {ClientId}.\n{Story}");
        }
    }

    private void Note(string what)
    {
        lock (_story)
        {
            _story.Append(CultureInfo.InvariantCulture, $"{ClientId}: {what}\n");
        }
    }
}
