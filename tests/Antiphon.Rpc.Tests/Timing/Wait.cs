namespace Antiphon.Rpc.Tests.Timing;

/// <summary>Waits for what shows only in state; what never happens fails the test after a generous while.</summary>
internal static class Wait
{
    public static async Task Until(Func<bool> condition)
    {
        var token = Limit.Token;
        while (!condition())
        {
            await Task.Delay(TimeSpan.FromMilliseconds(1), TimeProvider.System, token);
        }
    }
}
