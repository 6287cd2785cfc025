using System.Globalization;

namespace Antiphon.Server.Importing;

/// <summary>A line of one of mosquitto's files that says something: a word, and what stands behind it.</summary>
/// <param name="File">The file.</param>
/// <param name="Number">The line's number, from 1.</param>
/// <param name="Text">The whole line.</param>
internal sealed record MosquittoLine(string File, int Number, string Text)
{
    /// <summary>The first word.</summary>
    public string Name => Text.Split(' ', 2)[0];

    /// <summary>What stands behind the first word; empty: nothing.</summary>
    public string Value => Text.Split(' ', 2) is [_, var rest] ? rest.Trim() : "";

    /// <summary>Where it stands.</summary>
    public string Place => string.Create(CultureInfo.InvariantCulture, $"{File}:{Number}");

    /// <summary>The lines of a file that say something; comments and empty lines do not.</summary>
    /// <exception cref="IOException">The file cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be read.</exception>
    public static IReadOnlyList<MosquittoLine> Read(string file) =>
    [
        .. System.IO.File.ReadAllLines(file)
            .Select((text, index) => new MosquittoLine(file, index + 1, text.Trim()))
            .Where(line => line.Text.Length > 0 && line.Text[0] != '#'),
    ];
}
