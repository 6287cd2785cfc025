using System.Globalization;

namespace Antiphon.Server.Configuration;

/// <summary>Where a setting stands.</summary>
/// <param name="Source">The file, or what else it comes from, such as an environment variable.</param>
/// <param name="Line">The line, from 1; 0: the source has no lines.</param>
/// <param name="Column">The column in characters, from 1; 0 as above.</param>
public readonly record struct Place(string Source, int Line = 0, int Column = 0)
{
    /// <summary>As compilers write it: <c>file:line:column</c>.</summary>
    public override string ToString() =>
        Line == 0 ? Source : string.Create(CultureInfo.InvariantCulture, $"{Source}:{Line}:{Column}");
}
