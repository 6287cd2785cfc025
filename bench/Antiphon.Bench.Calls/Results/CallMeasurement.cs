using Antiphon.Bench.Calls.Conducting;
using Antiphon.Bench.Calls.Roles;
using Antiphon.Bench.Results;

namespace Antiphon.Bench.Calls.Results;

/// <summary>
/// What one run came to. CPU times and bytes are per answered call: what failed calls cost counts towards those that did not fail.
/// </summary>
internal sealed record CallMeasurement
{
    public required double Seconds { get; init; }

    /// <summary>Calls that ended with their own answer.</summary>
    public required long Answered { get; init; }

    /// <summary>Calls that ended in another way.</summary>
    public required long Failed { get; init; }

    /// <summary>Why the first call that ever failed did so.</summary>
    public required string? FirstFailure { get; init; }

    public required double RequesterMicroseconds { get; init; }

    public required double ResponderMicroseconds { get; init; }

    /// <summary>0 where there is no broker.</summary>
    public required double BrokerMicroseconds { get; init; }

    public required double RequesterBytes { get; init; }

    public required double ResponderBytes { get; init; }

    /// <summary>The share of the time that the requester stood still for the garbage collector.</summary>
    public required double RequesterPause { get; init; }

    /// <summary>The share of the time that the responder stood still for the garbage collector.</summary>
    public required double ResponderPause { get; init; }

    public required double P50Microseconds { get; init; }

    public required double P99Microseconds { get; init; }

    public required double P999Microseconds { get; init; }

    public double Microseconds => RequesterMicroseconds + ResponderMicroseconds + BrokerMicroseconds;

    public double PerSecond => Answered / Seconds;

    public double FailedShare => Failed == 0 ? 0 : Failed / (double)(Failed + Answered);

    public static CallMeasurement Between(Snapshot before, Snapshot after, Snapshot responderBefore, Snapshot responderAfter)
    {
        var answered = after.Answered - before.Answered;
        var failed = after.Failed - before.Failed;
        if (answered == 0)
        {
            var seconds = (after.At - before.At) / 1e9;
            throw new BenchException($"No call was answered within {seconds:F1} s; {failed} failed. {after.FirstFailure}");
        }

        return new CallMeasurement
        {
            Seconds = (after.At - before.At) / 1e9,
            Answered = answered,
            Failed = failed,
            FirstFailure = after.FirstFailure,
            RequesterMicroseconds = Cpu(0),
            ResponderMicroseconds = Cpu(1),
            BrokerMicroseconds = after.Cpu.Length > 2 ? Cpu(2) : 0,
            RequesterBytes = (after.Allocated - before.Allocated) / (double)answered,
            ResponderBytes = (responderAfter.Allocated - responderBefore.Allocated) / (double)answered,
            RequesterPause = Pause(before, after),
            ResponderPause = Pause(responderBefore, responderAfter),
            P50Microseconds = after.Quantiles[0] / 1e3,
            P99Microseconds = after.Quantiles[1] / 1e3,
            P999Microseconds = after.Quantiles[2] / 1e3,
        };

        double Cpu(int process) => (after.Cpu[process] - before.Cpu[process]) / 1e3 / answered;

        static double Pause(Snapshot before, Snapshot after) =>
            (after.CollectorPause - before.CollectorPause) / (double)(after.At - before.At);
    }
}

/// <summary>What a peer came to in a scenario.</summary>
internal sealed class CallRow(CallPeer peer)
{
    public CallPeer Peer => peer;

    public List<CallMeasurement> Runs { get; } = [];

    /// <summary>Why there is nothing, or nothing more.</summary>
    public string? Failure { get; set; }

    /// <summary>Whether there are figures to compare with.</summary>
    public bool HasFigures => Failure is null && Runs.Count > 0;

    public long Failed => Runs.Sum(run => run.Failed);

    public double FailedShare => Failed == 0 ? 0 : Failed / (double)Runs.Sum(run => run.Failed + run.Answered);

    public Spread Of(Func<CallMeasurement, double> number) => Spread.Of(Runs.Select(number)) ?? default;

    public double Median(Func<CallMeasurement, double> number) => Of(number).Median;
}
