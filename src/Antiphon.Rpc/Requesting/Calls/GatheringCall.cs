using System.Threading.Channels;
using Antiphon.Rpc.Requesting.Outcomes;
using Antiphon.Rpc.Wire;

namespace Antiphon.Rpc.Requesting.Calls;

/// <summary>
/// A call that takes the answers of many responders, errors among them, until there are as many as asked for or its time is up.
/// </summary>
internal sealed class GatheringCall(ICallOwner? owner, int? answers) : Call(owner)
{
    private const int LargestBuffer = 65_536;
    private const int UsualBuffer = 1024;

    private readonly Channel<Response> _answers = System.Threading.Channels.Channel.CreateBounded<Response>(
        new BoundedChannelOptions(Math.Min(answers ?? UsualBuffer, LargestBuffer)) { SingleReader = true });

    private int _answersLeft = answers ?? int.MaxValue;

    /// <summary>Where the caller reads.</summary>
    public ChannelReader<Response> Answers => _answers.Reader;

    /// <summary>Answers that came faster than the caller read them.</summary>
    public long Dropped { get; private set; }

    /// <inheritdoc/>
    public override OutcomeKind AtDeadline => IsAcknowledged || AnswersReceived > 0 ? OutcomeKind.Gathered : OutcomeKind.TimedOut;

    /// <inheritdoc/>
    public override Outcome Answer(in Response response, in ResponseStatus status, bool strict, TimeSpan now)
    {
        // The reader's continuation does not run here: the channel hands it to the pool.
        if (!_answers.Writer.TryWrite(response))
        {
            Dropped++;
        }

        return --_answersLeft == 0 ? new Outcome(OutcomeKind.Gathered, now) : default;
    }

    /// <inheritdoc/>
    public override void Run(uint version) =>
        _answers.Writer.TryComplete(Outcome.Kind == OutcomeKind.Gathered ? null : Outcome.ToException(this));
}
