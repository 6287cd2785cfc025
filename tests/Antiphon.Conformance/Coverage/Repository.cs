namespace Antiphon.Conformance.Coverage;

/// <summary>The files of the source tree, by their paths from its root.</summary>
internal static class Repository
{
    private static readonly string Root = FindRoot();

    public static string PathOf(string path) => Path.Combine(Root, path);

    /// <summary>The lines of a file, each parted at its tabs.</summary>
    public static IEnumerable<string[]> ReadTable(string path) => File.ReadLines(PathOf(path)).Select(line => line.Split('\t'));

    /// <summary>The C# files of the tests, without what a build makes, in a fixed order.</summary>
    public static IEnumerable<string> TestSources() => Directory
        .EnumerateFiles(PathOf("tests"), "*.cs", SearchOption.AllDirectories)
        .Select(path => Path.GetRelativePath(Root, path).Replace('\\', '/'))
        .Where(path => !path.Split('/').Any(part => part is "bin" or "obj" or "node_modules"))
        .Order(StringComparer.Ordinal);

    private static string FindRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Antiphon.slnx")))
            {
                return folder.FullName;
            }
        }

        throw new InvalidOperationException($"No folder above {AppContext.BaseDirectory} holds Antiphon.slnx.");
    }
}
