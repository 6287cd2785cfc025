using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Antiphon.Client;

namespace Antiphon.Bench.Calls.Peers;

/// <summary>Waits for a publish that nobody else waits for, without an allocation for each.</summary>
internal sealed class Sent
{
    private static readonly ConcurrentStack<Sent> Free = new();

    private readonly Action _end;
    private ValueTaskAwaiter<PublishResult> _publishing;

    private Sent()
    {
        _end = End;
    }

    public static void Observe(ValueTask<PublishResult> publishing)
    {
        var awaiter = publishing.GetAwaiter();
        if (awaiter.IsCompleted)
        {
            Take(awaiter);
            return;
        }

        var sent = Free.TryPop(out var free) ? free : new Sent();
        sent._publishing = awaiter;
        awaiter.UnsafeOnCompleted(sent._end);
    }

    private void End()
    {
        var publishing = _publishing;
        _publishing = default;
        Free.Push(this);
        Take(publishing);
    }

    private static void Take(ValueTaskAwaiter<PublishResult> publishing)
    {
        try
        {
            publishing.GetResult();
        }
        catch (MqttException failure)
        {
            // Its requester counts the call as failed, for want of an answer; here is why.
            Console.Error.WriteLine(failure.Message);
        }
    }
}
