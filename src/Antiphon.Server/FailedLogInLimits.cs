namespace Antiphon.Server;

/// <summary>
/// How failed log-ins are slowed: those of one user name from one address, and those of all from one address. Nothing counts against a user
/// whose attempts come from other addresses, so that strangers lock nobody out. Immutable.
/// </summary>
public sealed record FailedLogInLimits
{
    /// <summary>How many failures in a row of one user name from one address cost nothing, 1 or more; 5 unless said otherwise.</summary>
    public int Free { get; init; } = 5;

    /// <summary>
    /// The longest wait between two attempts, zero to one day; 60 seconds unless said otherwise.
    /// Behind the free failures the wait begins with one second and doubles with each further one.
    /// Zero: nobody waits, and addresses have no bound either.
    /// </summary>
    public TimeSpan LongestWait { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>
    /// How many failures a minute one address may have, 1 or more; 100 unless said otherwise.
    /// Beyond it only those users may try from there who have logged in from there before.
    /// An IPv6 network of 64 bits counts as one address.
    /// </summary>
    public int PerAddress { get; init; } = 100;

    internal IEnumerable<string> Mistakes()
    {
        if (Free < 1)
        {
            yield return $"FailedLogIns.Free is {Free}; it has to be 1 or more.";
        }

        if (LongestWait < TimeSpan.Zero || LongestWait > TimeSpan.FromDays(1))
        {
            yield return $"FailedLogIns.LongestWait is {LongestWait}; it has to be zero to one day.";
        }

        if (PerAddress < 1)
        {
            yield return $"FailedLogIns.PerAddress is {PerAddress}; it has to be 1 or more.";
        }
    }
}
