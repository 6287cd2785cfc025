using Antiphon.Protocol;
using Antiphon.Protocol.Packets;

namespace Antiphon.Cli.Demo;

/// <summary>What passed the taps and what the clients did, in the order of time. Safe from any thread.</summary>
internal sealed class Journey(TimeProvider time)
{
    private readonly Lock _lock = new();

    // All guarded by _lock.
    private readonly List<Step> _steps = [];
    private readonly HashSet<(Side Side, bool ToBroker, PacketType Answer, PacketIdentifier Identifier)> _awaited = [];
    private TaskCompletionSource? _settled;

    public long Now => time.GetTimestamp();

    public void Add(DeedStep step)
    {
        lock (_lock)
        {
            _steps.Add(step);
        }
    }

    /// <summary>To be called before the packet is passed on, so that no answer can come before what it answers.</summary>
    public void Add(PacketStep step)
    {
        lock (_lock)
        {
            _steps.Add(step);
            _awaited.Remove((step.Side, step.ToBroker, step.Packet.Type, IdentifierOf(step.Packet)));
            if (AnswerTo(step.Packet) is { } answer)
            {
                _awaited.Add((step.Side, !step.ToBroker, answer, IdentifierOf(step.Packet)));
            }

            if (_awaited.Count == 0)
            {
                _settled?.TrySetResult();
                _settled = null;
            }
        }
    }

    /// <summary>Waits until every packet that asks for an answer has its answer, and takes what was noted since the last time.</summary>
    /// <exception cref="TimeoutException">An answer stayed away for 30 seconds.</exception>
    public async Task<IReadOnlyList<Step>> TakeAsync(CancellationToken cancellationToken)
    {
        Task settled;
        lock (_lock)
        {
            settled = _awaited.Count == 0
                ? Task.CompletedTask
                : (_settled ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
        }

        await settled.WaitAsync(TimeSpan.FromSeconds(30), time, cancellationToken);
        lock (_lock)
        {
            var taken = _steps.OrderBy(step => step.Timestamp).ToList();
            _steps.Clear();
            return taken;
        }
    }

    public TimeSpan Between(Step first, Step second) => time.GetElapsedTime(first.Timestamp, second.Timestamp);

    private static PacketType? AnswerTo(Packet packet) => packet switch
    {
        PublishPacket { Message.QoS: QualityOfService.AtLeastOnce } => PacketType.PubAck,
        SubscribePacket => PacketType.SubAck,
        UnsubscribePacket => PacketType.UnsubAck,
        ConnectPacket => PacketType.ConnAck,
        _ => null,
    };

    private static PacketIdentifier IdentifierOf(Packet packet) => packet switch
    {
        PublishPacket publish => publish.PacketIdentifier,
        AcknowledgementPacket acknowledgement => acknowledgement.PacketIdentifier,
        SubscribePacket subscribe => subscribe.PacketIdentifier,
        SubAckPacket acknowledgement => acknowledgement.PacketIdentifier,
        UnsubscribePacket unsubscribe => unsubscribe.PacketIdentifier,
        UnsubAckPacket acknowledgement => acknowledgement.PacketIdentifier,
        _ => PacketIdentifier.None,
    };
}
