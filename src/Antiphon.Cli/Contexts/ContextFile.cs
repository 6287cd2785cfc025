using System.Text.Json;
using System.Text.Json.Serialization;
using Antiphon.Cli.CommandLine;
using Antiphon.Cli.Files;

namespace Antiphon.Cli.Contexts;

/// <summary>The saved connections, as they stand in their file. Immutable.</summary>
/// <param name="Selected">The one that commands use which name no broker; <c>null</c>: none.</param>
/// <param name="Contexts">By name, the options of the command line without their dashes; flags have no values.</param>
internal sealed record ContextFile(string? Selected, SortedDictionary<string, SortedDictionary<string, string[]>> Contexts)
{
    /// <summary><c>$XDG_CONFIG_HOME/antiphon/contexts.json</c>, by default below <c>~/.config</c>.</summary>
    public static string Path => System.IO.Path.Combine(
        Environment.GetFolderPath(Environment.SpecialFolder.ApplicationData, Environment.SpecialFolderOption.DoNotVerify),
        "antiphon",
        "contexts.json");

    private static ContextFile Empty => new(null, []);

    /// <exception cref="UsageException">It cannot be read.</exception>
    public static ContextFile Load()
    {
        try
        {
            return File.Exists(Path) ? Parse(File.ReadAllText(Path)) : Empty;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"The file of contexts «{Path}» cannot be read: {e.Message}");
        }
    }

    /// <summary>Changes the file, or makes it, while no other program of this kind does.</summary>
    /// <exception cref="UsageException">It is no such file.</exception>
    /// <exception cref="IOException">It cannot be written, and stands as it was.</exception>
    public static async Task ChangeAsync(Func<ContextFile, ContextFile> change, TimeProvider time, CancellationToken cancellationToken)
    {
        try
        {
            CreateDirectory(System.IO.Path.GetDirectoryName(Path)!);
            using var locked = await LockedFile.OpenAsync(Path, time, cancellationToken);
            var changed = change(locked.Read() is { } text ? Parse(text) : Empty);
            locked.Replace(JsonSerializer.Serialize(changed, ContextJson.Default.ContextFile) + "\n");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new IOException($"The file of contexts «{Path}» cannot be written, and stays as it was: {e.Message}", e);
        }
    }

    /// <summary>The options of a context.</summary>
    /// <exception cref="UsageException">There is none of that name.</exception>
    public IReadOnlyDictionary<string, string[]> Get(string name) => Contexts.TryGetValue(name, out var options)
        ? options
        : throw new UsageException(
            Contexts.Count == 0
                ? $"There is no context «{name}», nor any other. Save one with: antiphon context add {name} --url URL"
                : $"There is no context «{name}»; there is {string.Join(", ", Contexts.Keys)}.");

    private static void CreateDirectory(string path)
    {
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(path);
        }
        else
        {
            // As the XDG Base Directory Specification asks for.
            Directory.CreateDirectory(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
    }

    private static ContextFile Parse(string text)
    {
        try
        {
            return JsonSerializer.Deserialize(text, ContextJson.Default.ContextFile) is { Contexts: not null } file
                ? file
                : throw new JsonException("There are no contexts in it.");
        }
        catch (JsonException e)
        {
            throw new UsageException($"The file of contexts «{Path}» is not one: {e.Message} Mend it, or delete it.");
        }
    }
}

/// <summary>How the file is written.</summary>
[JsonSourceGenerationOptions(
    WriteIndented = true,
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ContextFile))]
internal sealed partial class ContextJson : JsonSerializerContext;
