using System.Threading.Tasks.Sources;
using Antiphon.Client;

namespace Antiphon.Rpc.Requesting.Calls;

/// <summary>Hands the next publish of an exchange to what watches it: set once, waited for once, in turns. Which of the two comes first does not matter.</summary>
internal sealed class NextPublish : IValueTaskSource<ValueTask<PublishResult>>
{
    private ManualResetValueTaskSourceCore<ValueTask<PublishResult>> _source;

    public void Set(ValueTask<PublishResult> publishing) => _source.SetResult(publishing);

    public ValueTask<ValueTask<PublishResult>> WaitAsync() => new(this, _source.Version);

    ValueTask<PublishResult> IValueTaskSource<ValueTask<PublishResult>>.GetResult(short token)
    {
        var publishing = _source.GetResult(token);
        _source.Reset();
        return publishing;
    }

    ValueTaskSourceStatus IValueTaskSource<ValueTask<PublishResult>>.GetStatus(short token) => _source.GetStatus(token);

    void IValueTaskSource<ValueTask<PublishResult>>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _source.OnCompleted(continuation, state, token, flags);
}
