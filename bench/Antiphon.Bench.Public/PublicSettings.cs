namespace Antiphon.Bench.Public;

/// <summary>How it is run.</summary>
internal sealed record PublicSettings
{
    /// <summary>How often each measurement is made.</summary>
    public required int Repeat { get; init; }

    /// <summary>How long one measurement lasts.</summary>
    public required TimeSpan Duration { get; init; }

    /// <summary>How long a broker is warmed up before its first measurement.</summary>
    public required TimeSpan WarmUp { get; init; }

    /// <summary>Ctrl-C.</summary>
    public required CancellationToken Interrupted { get; init; }
}
