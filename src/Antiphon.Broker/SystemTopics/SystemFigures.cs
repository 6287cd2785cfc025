using System.Globalization;
using System.Reflection;
using System.Text;
using Antiphon.Broker.Publishing;
using Antiphon.Broker.Subscriptions;
using Antiphon.Broker.Timing;
using Antiphon.Protocol.Packets;

namespace Antiphon.Broker.SystemTopics;

/// <summary>
/// The broker's own figures as retained messages below <c>$SYS/broker</c>, under the names and in the form that mosquitto gives them,
/// with QoS 0. They are refreshed while somebody is subscribed to them, and only what has changed is published;
/// a broker that nobody asks does nothing for them.
/// </summary>
internal sealed class SystemFigures
{
    private readonly OptionsInForce _options;
    private readonly SubscriptionTable _subscriptions;
    private readonly Router _router;
    private readonly TimingWheel _wheel;
    private readonly Deadline _deadline;
    private readonly Figure[] _figures;
    private Instant _nextRefresh;

    public SystemFigures(OptionsInForce options, SubscriptionTable subscriptions, Router router, TimingWheel wheel, EngineCounters counters)
    {
        _options = options;
        _subscriptions = subscriptions;
        _router = router;
        _wheel = wheel;
        _deadline = new Deadline(this);
        options.Replaced += Resume;
        var version = "antiphon version " + Version();
        _figures =
        [
            new("version", _ => version),
            new("uptime", now => string.Create(CultureInfo.InvariantCulture, $"{(long)now.Elapsed.TotalSeconds} seconds")),
            new("clients/connected", () => counters.ConnectedClients),
            new("clients/disconnected", () => counters.Sessions - counters.ConnectedClients),
            new("clients/total", () => counters.Sessions),
            new("clients/maximum", () => counters.MaximumConnectedClients),
            new("subscriptions/count", () => counters.Subscriptions),
            new("retained messages/count", () => counters.RetainedMessages),
            new("retained messages/bytes", () => counters.RetainedBytes),
            new("publish/messages/received", () => counters.MessagesReceived),
            new("publish/messages/sent", () => counters.MessagesSent),
            new("publish/messages/dropped", () => counters.DroppedSlowReader + counters.DroppedQueueFull),
            new("bytes/received", () => counters.BytesReceived),
            new("bytes/sent", () => counters.BytesSent),
            new("exchanges/count", () => counters.OpenExchanges),
        ];
    }

    private TimeSpan Interval => _options.Current.SystemTopicsInterval;

    /// <summary>Somebody is about to subscribe to them: they are an interval old at most when the subscription finds them.</summary>
    public void Prepare(Instant now)
    {
        if (Interval == TimeSpan.Zero)
        {
            return;
        }

        if (_nextRefresh <= now)
        {
            Refresh(now);
        }

        _wheel.Set(_deadline, _nextRefresh);
    }

    /// <summary>The interval is over.</summary>
    public void OnDeadline(Instant now)
    {
        if (_subscriptions.ToSystemTopics > 0 && Interval > TimeSpan.Zero)
        {
            Refresh(now);
            _wheel.Set(_deadline, _nextRefresh);
        }
    }

    /// <summary>There may be an interval again: whoever has subscribed meanwhile is told in the next turn.</summary>
    private void Resume()
    {
        if (Interval > TimeSpan.Zero && !_deadline.IsSet)
        {
            _wheel.Set(_deadline, _nextRefresh);
        }
    }

    private void Refresh(Instant now)
    {
        _nextRefresh = now + Interval;
        if (_router.IsAnnouncing)
        {
            // So many are subscribed that the last ones are still on their way.
            return;
        }

        foreach (var figure in _figures)
        {
            if (figure.TryRefresh(now))
            {
                _router.Announce(new PublishView { Topic = figure.Topic, Payload = figure.Value, Retain = true }, now);
            }
        }
    }

    /// <summary>Without what a build adds behind a plus sign.</summary>
    private static string Version() =>
        typeof(SystemFigures).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion.Split('+')[0];

    private sealed class Figure(string name, Func<Instant, string> read)
    {
        public Figure(string name, Func<long> read)
            : this(name, _ => read().ToString(CultureInfo.InvariantCulture))
        {
        }

        public byte[] Topic { get; } = Encoding.UTF8.GetBytes("$SYS/broker/" + name);

        public byte[] Value { get; private set; } = [];

        /// <returns>Whether the value has changed.</returns>
        public bool TryRefresh(Instant now)
        {
            var value = Encoding.UTF8.GetBytes(read(now));
            if (Value.AsSpan().SequenceEqual(value))
            {
                return false;
            }

            Value = value;
            return true;
        }
    }
}
