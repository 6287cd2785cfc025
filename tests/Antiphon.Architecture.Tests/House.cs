using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;

namespace Antiphon.Architecture.Tests;

/// <summary>The source tree, and the assemblies that were built from it.</summary>
internal static class House
{
    public static string Root { get; } = FindRoot();

    /// <summary>The projects that exist in src, by name.</summary>
    public static string[] Projects { get; } =
        [
            .. Directory.GetFiles(Path.Combine(Root, "src"), "*.csproj", SearchOption.AllDirectories)
                .Select(path => Path.GetFileNameWithoutExtension(path))
                .Order(),
        ];

    /// <summary>Opens the assembly of a project as it was built beside this one.</summary>
    public static PEReader Open(string project) => new(File.OpenRead(PathOf(project)));

    /// <summary>The assembly of a project. It has the project's name; only the program has the name of its command.</summary>
    public static string PathOf(string project) =>
        Path.Combine(AppContext.BaseDirectory, $"{(project == "Antiphon.Cli" ? "antiphon" : project)}.dll");

    /// <summary>The names of the assemblies that a project's assembly references.</summary>
    public static IReadOnlyList<string> References(string project)
    {
        using var image = Open(project);
        var metadata = image.GetMetadataReader();
        return [.. metadata.AssemblyReferences.Select(handle => metadata.GetString(metadata.GetAssemblyReference(handle).Name)).Order()];
    }

    /// <summary>Whether an assembly belongs to the base library that every .NET program has.</summary>
    public static bool IsOfTheBaseLibrary(string assembly) =>
        assembly is "mscorlib" or "netstandard"
        || File.Exists(Path.Combine(Path.GetDirectoryName(typeof(object).Assembly.Location)!, $"{assembly}.dll"));

    /// <summary>The folders of a project that hold sources, relative to the root; what a build leaves behind does not count.</summary>
    public static IEnumerable<string> SourceFolders(string under) => Directory
        .EnumerateDirectories(Path.Combine(Root, under), "*", SearchOption.AllDirectories)
        .Select(path => Path.GetRelativePath(Root, path).Replace('\\', '/'))
        .Where(path => !path.Split('/').Any(part => part is "bin" or "obj" or "node_modules"));

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
