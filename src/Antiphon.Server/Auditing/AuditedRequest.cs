using Antiphon.Broker;
using Antiphon.Broker.Exchanges;
using Antiphon.Protocol;

namespace Antiphon.Server.Auditing;

/// <summary>What the audit log keeps of a request until it is known what came of it. Immutable.</summary>
internal sealed class AuditedRequest : IObservedRequest
{
    /// <summary>What the object, its arrays and its strings' references take beside their contents, in bytes.</summary>
    private const int Overhead = 300;

    public AuditedRequest(in ObservedMessage request, bool withPayload)
    {
        Topic = request.Topic.ToArray();
        ResponseTopic = request.ResponseTopic.ToArray();
        CorrelationData = request.CorrelationData.ToArray();
        Payload = withPayload ? request.Payload.ToArray() : null;
        PayloadBytes = request.Payload.Length;
        QoS = request.QoS;
        ClientId = request.ClientId;
        UserName = request.UserName;
        Origin = request.Origin;
    }

    public byte[] Topic { get; }

    public byte[] ResponseTopic { get; }

    public byte[] CorrelationData { get; }

    /// <summary><c>null</c>: payloads are not logged.</summary>
    public byte[]? Payload { get; }

    public int PayloadBytes { get; }

    public QualityOfService QoS { get; }

    public string ClientId { get; }

    public string? UserName { get; }

    /// <summary>Where it came from; it is made text when the line is written, on another thread.</summary>
    public ConnectionOrigin? Origin { get; }

    public int Size => Overhead + Topic.Length + ResponseTopic.Length + CorrelationData.Length + (Payload?.Length ?? 0);
}
