namespace Antiphon.Cli.Tests.Running;

/// <summary>The source tree that the tests were built in.</summary>
internal static class SourceTree
{
    /// <summary>Its top folder.</summary>
    public static string Root { get; } = FindRoot();

    public static Task<string> ReadAsync(string path) =>
        File.ReadAllTextAsync(Path.Combine(Root, path), TestContext.Current.CancellationToken);

    private static string FindRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "Antiphon.slnx")))
        {
            folder = folder.Parent
                ?? throw new InvalidOperationException($"No folder above {AppContext.BaseDirectory} holds Antiphon.slnx.");
        }

        return folder.FullName;
    }
}
