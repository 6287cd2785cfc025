namespace Antiphon.Server.Configuration;

/// <summary>Something in a configuration that is wrong, or deserves a look.</summary>
/// <param name="Place">Where.</param>
/// <param name="Message">What, a sentence.</param>
/// <param name="IsWarning">Whether the configuration can be used all the same.</param>
public sealed record ConfigurationMistake(Place Place, string Message, bool IsWarning)
{
    /// <summary>As compilers write it, on one line.</summary>
    public override string ToString() => $"{Place}: {(IsWarning ? "warning" : "error")}: {Message}";
}
