namespace Antiphon.Server.Importing;

/// <summary>What a translation has to say. Not safe from several threads.</summary>
/// <param name="without">The names of options whose lines are left out, whatever they say.</param>
internal sealed class TranslationLog(IReadOnlySet<string> without)
{
    public List<string> Refusals { get; } = [];

    public List<string> Notes { get; } = [];

    /// <summary>The line cannot be translated.</summary>
    public void Refuse(MosquittoLine line, string why) => Refusals.Add($"{line.Place}: error: «{Shown(line)}»: {why}");

    public void Note(MosquittoLine line, string what) => Notes.Add($"{line.Place}: note: «{Shown(line)}»: {what}");

    /// <summary>Whether somebody has said that lines of that name do not count.</summary>
    public bool IsLeftOut(MosquittoLine line)
    {
        if (!without.Contains(line.Name))
        {
            return false;
        }

        Note(line, "It is left out, as you say.");
        return true;
    }

    /// <summary>Reads a file that a line names.</summary>
    public IReadOnlyList<MosquittoLine> Read(string file, MosquittoLine? naming)
    {
        try
        {
            return MosquittoLine.Read(file);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            Refusals.Add($"{naming?.Place ?? file}: error: «{file}» cannot be read: {failure.Message}");
            return [];
        }
    }

    /// <summary>
    /// The line without what may be a secret in it: what plugins and bridges prove themselves by, and a line of a password file that was
    /// taken for one of a configuration.
    /// </summary>
    private static string Shown(MosquittoLine line) => line.Name.IndexOf(':', StringComparison.Ordinal) switch
    {
        > 0 and var colon => $"{line.Name[..colon]}:…",
        _ => IsSecret(line.Name) ? $"{line.Name} …" : line.Text,
    };

    private static bool IsSecret(string name) =>
        name.StartsWith("auth_opt_", StringComparison.Ordinal)
        || name.StartsWith("plugin_opt_", StringComparison.Ordinal)
        || name.EndsWith("password", StringComparison.Ordinal)
        || name.EndsWith("_psk", StringComparison.Ordinal);
}
