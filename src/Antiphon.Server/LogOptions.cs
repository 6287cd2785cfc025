using Microsoft.Extensions.Logging;

namespace Antiphon.Server;

/// <summary>What <c>antiphon broker</c> writes to its log, which is its standard error. Immutable.</summary>
public sealed record LogOptions
{
    /// <summary>
    /// The least level that is written;
    /// <see cref="LogLevel.Information"/> unless said otherwise. A reload can change it.
    /// </summary>
    public LogLevel Level { get; init; } = LogLevel.Information;

    /// <summary>How lines look; <see cref="LogFormat.Text"/> unless said otherwise.</summary>
    public LogFormat Format { get; init; }
}

/// <summary>How the lines of a log look.</summary>
public enum LogFormat
{
    /// <summary>A line to read, with its time.</summary>
    Text,

    /// <summary>A JSON object a line.</summary>
    Json,

    /// <summary>A line with the priority in front, as the journal of systemd reads it, which adds the time itself.</summary>
    Systemd,
}
