namespace Antiphon.Client.Tests.Peers;

/// <summary>How long a test waits for what has to happen: generous, so that only what never happens fails.</summary>
internal static class Limit
{
    public static readonly TimeSpan Time = TimeSpan.FromSeconds(30);

    /// <summary>Fires when the test has waited long enough or is called off.</summary>
    public static CancellationToken Token
    {
        get
        {
            var source = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
            source.CancelAfter(Time);
            return source.Token;
        }
    }

    public static Task<T> InTime<T>(this Task<T> task) => task.WaitAsync(Time, TestContext.Current.CancellationToken);

    public static Task InTime(this Task task) => task.WaitAsync(Time, TestContext.Current.CancellationToken);

    public static Task<T> InTime<T>(this ValueTask<T> task) => task.AsTask().InTime();

    public static Task InTime(this ValueTask task) => task.AsTask().InTime();
}
