using Antiphon.Bench.Brokers;
using Antiphon.Bench.Calls.Results;

namespace Antiphon.Bench.Calls.Conducting;

/// <summary>A peer's processes in one scenario: broker, responder, requester. They stand still while others are measured.</summary>
internal sealed class PeerRun : IDisposable
{
    private readonly BrokerProcess? _broker;
    private readonly RoleProcess _responder;
    private readonly RoleProcess _requester;
    private bool _isWarm;

    private PeerRun(BrokerProcess? broker, RoleProcess responder, RoleProcess requester)
    {
        _broker = broker;
        _responder = responder;
        _requester = requester;
    }

    public static async Task<PeerRun> StartAsync(CallPeer peer, CallScenario scenario, CancellationToken interrupted)
    {
        BrokerProcess? broker = null;
        RoleProcess? responder = null;
        try
        {
            broker = peer.Broker is { } spec ? BrokerProcess.Start(spec, null, () => interrupted.IsCancellationRequested) : null;
            var load = (int[])[scenario.Quality, scenario.Outstanding];
            responder = await RoleProcess.StartAsync(peer, "responder", [broker?.Port ?? 0, .. load], interrupted);
            var processes = broker is null ? [responder.Id] : (int[])[responder.Id, broker.Id];
            var requester = await RoleProcess.StartAsync(peer, "requester", [responder.Port, .. load, .. processes], interrupted);
            return new PeerRun(broker, responder, requester);
        }
        catch
        {
            responder?.Dispose();
            broker?.Dispose();
            throw;
        }
    }

    public async Task<CallMeasurement> MeasureAsync(CallSettings settings, CancellationToken interrupted)
    {
        await _requester.SayAsync("start", "started", interrupted);

        // A snapshot that nobody needs, so that the first that somebody needs does not pay for its own code being compiled.
        await _requester.SnapshotAsync(interrupted);
        await _responder.SnapshotAsync(interrupted);
        await Task.Delay(_isWarm ? settings.SettleTime : settings.WarmUp, TimeProvider.System, interrupted);
        _isWarm = true;

        var responderBefore = await _responder.SnapshotAsync(interrupted);
        var before = await _requester.SnapshotAsync(interrupted);
        await Task.Delay(settings.Duration, TimeProvider.System, interrupted);
        var after = await _requester.SnapshotAsync(interrupted);
        var responderAfter = await _responder.SnapshotAsync(interrupted);
        await _requester.SayAsync("stop", "stopped", interrupted);
        return CallMeasurement.Between(before, after, responderBefore, responderAfter);
    }

    public void Dispose()
    {
        _requester.Dispose();
        _responder.Dispose();
        _broker?.Dispose();
    }
}
