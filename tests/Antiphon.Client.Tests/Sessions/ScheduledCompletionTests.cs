using System.Runtime.CompilerServices;
using Antiphon.Client.Sessions;

namespace Antiphon.Client.Tests.Sessions;

public sealed class ScheduledCompletionTests
{
    [Fact]
    public void A_failure_that_nobody_waits_for_is_no_unobserved_exception()
    {
        var mark = new InvalidOperationException("Nobody waits for it.");
        var told = 0;
        void Note(object? sender, UnobservedTaskExceptionEventArgs unobserved) =>
            told += unobserved.Exception.InnerExceptions.Contains(mark) ? 1 : 0;

        TaskScheduler.UnobservedTaskException += Note;
        Fail(mark);
        GC.Collect();
        GC.WaitForPendingFinalizers();
        TaskScheduler.UnobservedTaskException -= Note;

        Assert.Equal(0, told);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Fail(Exception failure) =>
        Assert.True(new ScheduledCompletion<int>(Scheduler.ThreadPool).TrySetException(failure));
}
