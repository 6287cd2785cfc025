using System.Runtime.CompilerServices;
using Antiphon.Broker.Connections;
using Antiphon.Broker.Messages;
using Antiphon.Broker.Sessions;
using Antiphon.Broker.Subscriptions;
using Antiphon.Protocol;
using Antiphon.Protocol.Aliases;
using Antiphon.Protocol.Packets;

namespace Antiphon.Broker.Publishing;

/// <summary>
/// Writes PUBLISH into a connection's output: within the client's Maximum Packet Size, with a Topic Alias where the client takes them.
/// QoS 2 goes without: clients are about that hand the application an empty topic where the alias stands for one,
/// and the choice is the server's (§3.3.2.3.4).
/// </summary>
internal sealed class MessageWriter(Utf8Comparer comparer, SessionMemory memory, FlushList flushList, EngineCounters counters)
{
    /// <summary>More than fixed header, lengths, Packet Identifier and Topic Alias add to a message.</summary>
    private const int Overhead = 16;

    /// <summary>What a Subscription Identifier adds at most: its property identifier and four bytes.</summary>
    private const int SubscriptionIdentifierSize = 5;

    /// <summary>Payloads of so many bytes and more are shared by their receivers instead of copied to each.</summary>
    public const int SharedFrom = 4096;

    /// <summary>Copying so many bytes to a receiver takes as long as all else that a delivery takes.</summary>
    private const int BytesPerStep = 512;

    /// <param name="connection">To whom.</param>
    /// <param name="message">The message.</param>
    /// <param name="copy">Its copy, if there is one: a large payload is not copied again.</param>
    /// <param name="delivery">This delivery.</param>
    /// <returns><c>false</c>: the packet is larger than the client takes, and was not written [MQTT-3.1.2-24].</returns>
    public bool TryWrite(Connection connection, in PublishView message, Message? copy, in Delivery delivery)
    {
        var written = connection.OutgoingAliasMaximum == 0 || delivery.QoS == QualityOfService.ExactlyOnce
            ? TryAppend(connection, message, copy, delivery)
            : TryAppendWithAlias(connection, message, copy, delivery);
        if (!written)
        {
            counters.TooLargeForReceiver++;
            return false;
        }

        flushList.Mark(connection);
        counters.MessagesSent++;
        return true;
    }

    /// <summary>How much longer delivering a message takes than a small one: for jobs that deliver in slices.</summary>
    public static int Steps(in PublishView message) =>
        message.Payload.Length < SharedFrom ? 1 + message.Payload.Length / BytesPerStep : 2;

    /// <summary>What a message takes at most as a packet, in bytes.</summary>
    public static uint AtMost(in PublishView message, int subscriptionIdentifiers) =>
        (uint)(message.Topic.Length + message.Properties.Length + message.Payload.Length
            + SubscriptionIdentifierSize * subscriptionIdentifiers + Overhead);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TryAppendWithAlias(Connection connection, in PublishView message, Message? copy, in Delivery delivery)
    {
        if (connection.OutgoingAliases is null
            && memory.TryHoldOutgoingAliases(connection, OutgoingAliases.SizeOf(connection.OutgoingAliasMaximum)))
        {
            connection.OutgoingAliases = new OutgoingAliases(comparer.Seed, connection.OutgoingAliasMaximum);
        }

        if (connection.OutgoingAliases is not { } aliases
            || aliases.Find(message.Topic, out var isKnown) is not (> 0 and var alias)
            || (!isKnown && !memory.TryHoldOutgoingAliases(connection, aliases.CostOf(alias, message.Topic))))
        {
            // The topic does not repeat, or there is no memory for one more alias.
            return TryAppend(connection, message, copy, delivery);
        }

        if (TryAppend(connection, message, copy, delivery with { TopicAlias = alias, AliasIsKnown = isKnown }))
        {
            if (!isKnown)
            {
                aliases.Teach(alias, message.Topic);
            }

            return true;
        }

        if (!isKnown)
        {
            memory.ReturnOutgoingAliases(connection, aliases.CostOf(alias, message.Topic));
        }

        // Alias and topic together are longer than the topic alone.
        return !isKnown && TryAppend(connection, message, copy, delivery);
    }

    private static bool TryAppend(Connection connection, in PublishView message, Message? copy, in Delivery delivery)
    {
        if (AtMost(message, delivery.SubscriptionIdentifiers.Length) > connection.MaximumPacketSize
            && (uint)PublishEncoder.SizeOf(message, delivery, connection.Version) > connection.MaximumPacketSize)
        {
            return false;
        }

        if (copy is not null && message.Payload.Length >= SharedFrom)
        {
            PublishEncoder.WriteUpToPayload(connection.Output, message, delivery, connection.Version);
            connection.Output.AppendPayload(copy);
        }
        else
        {
            PublishEncoder.Write(connection.Output, message, delivery, connection.Version);
        }

        return true;
    }
}
