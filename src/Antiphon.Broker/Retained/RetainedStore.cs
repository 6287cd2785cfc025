using Antiphon.Broker.Messages;
using Antiphon.Broker.ResponseTopics;
using Antiphon.Broker.Sessions;
using Antiphon.Broker.Subscriptions;
using Antiphon.Broker.Timing;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;

namespace Antiphon.Broker.Retained;

/// <summary>
/// The retained messages, one for each Topic Name at most (MQTT 5 §3.3.1.3). Bounded in number and in bytes;
/// replacing one allocates nothing. What they take counts against their own bound, not among the buffers that hold publishers up,
/// since waiting would free none of it.
/// </summary>
internal sealed class RetainedStore(
    OptionsInForce options, Utf8Comparer comparer, MessagePool messages, TimingWheel wheel, EngineCounters counters)
{
    /// <summary>What a topic level takes in memory beside its name, in bytes.</summary>
    internal const int LevelSize = 160;

    private readonly TopicTree _tree = new(comparer);

    /// <summary>How many messages have been stored since the broker started; each has its number.</summary>
    public long LastNumber { get; private set; }

    public TopicTree Tree => _tree;

    /// <summary>
    /// A message with RETAIN 1 has come: it takes the place of the one of the same Topic Name, or removes it [MQTT-3.3.1-5, MQTT-3.3.1-6,
    /// MQTT-3.3.1-7].
    /// </summary>
    /// <param name="publish">The message. One to an own response topic is never retained.</param>
    /// <param name="copy">Its copy, made here if there is none yet, released by the caller.</param>
    /// <param name="publisher">Whose it is; <c>null</c>: a Will's.</param>
    /// <param name="now">The current instant.</param>
    /// <returns>
    /// <c>false</c>: there is no room, and nothing has changed; the publisher has to be told.
    /// Where nobody can be told, because it has QoS 0 or is a Will, the message goes on without being retained, which is counted;
    /// the one before it is removed, so that no later subscriber takes it for the latest.
    /// </returns>
    public bool TryStore(in PublishView publish, ref Message? copy, Session? publisher, Instant now)
    {
        if (OwnResponseTopics.Includes(publish.Topic))
        {
            return true;
        }

        var level = _tree.Descend(publish.Topic, out var missing);
        if (publish.Payload.IsEmpty || publish.MessageExpiryInterval == 0)
        {
            RemoveAt(level, missing);
            return true;
        }

        copy ??= messages.Copy(publish, now);
        if (HasRoom(level, missing, copy, publisher))
        {
            Store(level, missing, copy, publisher is null ? null : (publisher.RetainedAs ??= new RetainedPublisher(publisher.ClientId)));
            return true;
        }

        if (publish.QoS != QualityOfService.AtMostOnce && publisher is not null)
        {
            return false;
        }

        RemoveAt(level, missing);
        counters.NotRetained++;
        return true;
    }

    /// <summary>Stores a message of the broker's own, for which no bound holds.</summary>
    public void StoreOwn(Message message) => Store(_tree.Descend(message.Topic, out var missing), missing, message, publisher: null);

    /// <summary>The retained message of a Topic Name.</summary>
    public Message? Find(ReadOnlySpan<byte> topic)
    {
        var level = _tree.Descend(topic, out var missing);
        return missing.IsEmpty ? level.Message : null;
    }

    /// <summary>A message's Message Expiry Interval may be over.</summary>
    public void OnDeadline(TopicLevel level, Instant now)
    {
        if (level.Message is { } message && message.Expires <= now)
        {
            Clear(level);
            Prune(level);
        }
    }

    /// <summary>Removes a level that nothing needs any more, and those above it.</summary>
    public void Prune(TopicLevel level)
    {
        while (level.IsUnused)
        {
            _tree.Remove(level);
            counters.RetainedBytes -= LevelSize + level.Name.Length;
            level = level.Parent!;
        }
    }

    private bool HasRoom(TopicLevel level, Levels missing, Message message, Session? publisher)
    {
        var replaced = missing.IsEmpty ? level.Message : null;
        var more = SizeOf(message) - (replaced is null ? 0 : SizeOf(replaced)) + missing.Count * LevelSize + missing.Length;
        more += publisher is { RetainedAs: not { Messages: > 0 } } ? RetainedPublisher.SizeOf(publisher.ClientId) : 0;
        return (replaced is not null || counters.RetainedMessages < options.Current.MaximumRetainedMessages)
            && counters.RetainedBytes + more <= options.Current.MaximumRetainedBytes;
    }

    private void Store(TopicLevel level, Levels missing, Message message, RetainedPublisher? publisher)
    {
        for (; !missing.IsEmpty; missing = missing.Rest)
        {
            level = _tree.Add(level, missing.First);
            counters.RetainedBytes += LevelSize + level.Name.Length;
        }

        Clear(level);
        messages.SetApart(message);
        level.Message = message;
        level.Publisher = publisher;
        if (publisher is { Messages: var held })
        {
            counters.RetainedBytes += held == 0 ? publisher.Size : 0;
            publisher.Messages++;
        }

        level.Number = ++LastNumber;
        counters.RetainedMessages++;
        counters.RetainedBytes += SizeOf(message);
        if (message.Expires != Instant.Never)
        {
            wheel.Set(level.Deadline ??= new Deadline(level), message.Expires);
        }
    }

    private void RemoveAt(TopicLevel level, Levels missing)
    {
        if (missing.IsEmpty)
        {
            Clear(level);
            Prune(level);
        }
    }

    private void Clear(TopicLevel level)
    {
        if (level.Message is not { } message)
        {
            return;
        }

        if (level.Deadline is { } deadline)
        {
            wheel.Cancel(deadline);
        }

        counters.RetainedMessages--;
        counters.RetainedBytes -= SizeOf(message);
        level.Message = null;
        if (level.Publisher is { } publisher)
        {
            publisher.Messages--;
            counters.RetainedBytes -= publisher.Messages == 0 ? publisher.Size : 0;
            level.Publisher = null;
        }

        messages.ReleaseSetApart(message);
    }

    private static int SizeOf(Message message) => message.Footprint;
}
