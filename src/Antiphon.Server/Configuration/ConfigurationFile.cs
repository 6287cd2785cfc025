namespace Antiphon.Server.Configuration;

/// <summary>
/// A configuration file: JSON with comments. Variables of the environment, such as <c>ANTIPHON__LIMITS__CONNECTIONS</c>,
/// count more than the file, and settings of the command line count more than both.
/// </summary>
public sealed class ConfigurationFile
{
    private readonly Override[] _overrides;
    private readonly TimeProvider _time;

    /// <summary>A file, which is not looked at yet.</summary>
    /// <param name="path">Its name.</param>
    /// <param name="environment">The variables of the environment; those that begin with <c>ANTIPHON__</c> count.</param>
    /// <param name="settings">Settings of the command line, such as <c>limits.connections=10</c>.</param>
    /// <param name="time">The clock, to see which certificates have expired; <c>null</c>: the system's.</param>
    /// <exception cref="ArgumentException">A setting of the command line is none.</exception>
    public ConfigurationFile(
        string path, IReadOnlyDictionary<string, string> environment, IReadOnlyList<string> settings, TimeProvider? time = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(environment);
        ArgumentNullException.ThrowIfNull(settings);
        Path = path;
        _time = time ?? TimeProvider.System;
        _overrides =
        [
            .. Override.FromEnvironment(environment),
            .. settings.Select(setting => Override.FromCommandLine(setting)
                ?? throw new ArgumentException(
                    $"«{setting}» is not a setting; write for instance limits.connections=1000.", nameof(settings))),
        ];
    }

    /// <summary>Its name.</summary>
    public string Path { get; }

    /// <summary>Reads it as it is now, and all files that it names, to see whether they can be used.</summary>
    public ConfigurationReading Read()
    {
        var mistakes = new List<ConfigurationMistake>();
        var files = new List<string> { System.IO.Path.GetFullPath(Path) };
        byte[] bytes;
        try
        {
            bytes = File.ReadAllBytes(Path);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            mistakes.Add(new(new Place(Path), $"The file cannot be read: {failure.Message}", IsWarning: false));
            return new ConfigurationReading(null, mistakes, files);
        }

        return Read(bytes, mistakes, files);
    }

    private ConfigurationReading Read(byte[] bytes, List<ConfigurationMistake> mistakes, List<string> files)
    {
        ServerOptions? options = null;
        if (JsonTree.Parse(bytes, Path, mistakes) is { } root)
        {
            if (root.Kind == NodeKind.Object)
            {
                Array.ForEach(_overrides, one => one.ApplyTo(root, mistakes));
            }

            var context = new ReadingContext(System.IO.Path.GetDirectoryName(files[0])!, _time, mistakes);
            if (ServerSettings.Shape.TryRead(root, context, out var draft) && !context.HasErrors)
            {
                options = draft.ToOptions();

                // The tables and the options agree, or a mistake of ours is told and not run with.
                foreach (var mistake in options.Mistakes())
                {
                    context.Error(root.Place, mistake);
                    options = null;
                }
            }

            files.AddRange(context.Files);
        }

        return new ConfigurationReading(
            options, [.. mistakes.OrderBy(mistake => mistake.Place.Line).ThenBy(mistake => mistake.Place.Column)], files);
    }
}
