namespace Antiphon.Server.Reloading;

/// <summary>How files were at one moment: which, how long, when written. Where two are equal, nobody has changed them.</summary>
internal sealed record FileStamps(string Text)
{
    /// <summary>Looks at files; one that is not there is part of it too, and so is what a link leads to.</summary>
    public static FileStamps Of(IEnumerable<string> files) =>
        new(string.Join('\n', files.Distinct(StringComparer.Ordinal).Select(Describe)));

    private static string Describe(string file)
    {
        try
        {
            var found = File.ResolveLinkTarget(file, returnFinalTarget: true) as FileInfo ?? new FileInfo(file);
            return found.Exists ? $"{file} {found.FullName} {found.Length} {found.LastWriteTimeUtc.Ticks}" : file;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return file;
        }
    }
}
