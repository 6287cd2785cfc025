using Antiphon.Broker.Connections;
using Antiphon.Broker.Exchanges;
using Antiphon.Broker.Messages;
using Antiphon.Broker.Sessions;
using Antiphon.Broker.Subscriptions;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;

namespace Antiphon.Broker.Publishing;

/// <summary>A message on its way to very many, and how far it has come.</summary>
/// <param name="message">The message; this is one of its holders.</param>
/// <param name="publisher">Whose it is; <c>null</c>: a Will's, or the broker's own.</param>
/// <param name="newest">The number of the last subscription that it concerns.</param>
/// <param name="exchange">The exchange of the request, which is opening.</param>
internal sealed class FanOut(Message message, Session? publisher, long newest, Exchange? exchange)
{
    private readonly int _exchangeVersion = exchange?.Version ?? 0;

    public Message Message { get; } = message;

    public Session? Publisher { get; } = publisher;

    public long Newest { get; } = newest;

    /// <summary>The exchange of the request; <c>null</c>: it has none, or it has ended since.</summary>
    public Exchange? Exchange => exchange is not null && exchange.Version == _exchangeVersion ? exchange : null;

    /// <summary>Finds those whom it concerns; <c>null</c> before the first turn.</summary>
    public MatchWalk? Walk { get; set; }

    /// <summary>Whether all whom it concerns have been found.</summary>
    public bool IsFound { get; set; }

    /// <summary>How many Sessions it has been delivered to.</summary>
    public int Sessions { get; set; }

    /// <summary>How many share groups it has been delivered to.</summary>
    public int Groups { get; set; }

    /// <summary>Whether a subscription stands that it concerns.</summary>
    public bool HasSubscriber { get; set; }

    /// <summary>Whether nothing of it is left to be delivered.</summary>
    public bool IsFinished { get; set; }

    /// <summary>What its acknowledgement will say.</summary>
    public ReasonCode Code => HasSubscriber ? ReasonCode.Success : ReasonCode.NoMatchingSubscribers;

    /// <summary>Over which it came, if it is to be acknowledged; <c>null</c>: it is not.</summary>
    public Connection? Connection { get; private set; }

    /// <summary>PUBACK or PUBREC.</summary>
    public PacketType Answer { get; private set; }

    public PacketIdentifier PacketIdentifier { get; private set; }

    /// <summary>How long its packet was, in bytes.</summary>
    public int PacketSize { get; private set; }

    /// <summary>It is to be acknowledged when it is finished.</summary>
    public void AnswerWith(Connection connection, PacketType answer, PacketIdentifier packetIdentifier, int packetSize)
    {
        Connection = connection;
        Answer = answer;
        PacketIdentifier = packetIdentifier;
        PacketSize = packetSize;
    }
}
