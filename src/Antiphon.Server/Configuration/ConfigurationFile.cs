namespace Antiphon.Server.Configuration;

/// <summary>
/// A configuration file: JSON with comments. Variables of the environment, such as <c>ANTIPHON__LIMITS__CONNECTIONS</c>,
/// count more than the file, and settings of the command line count more than both.
/// </summary>
public sealed class ConfigurationFile
{
    private readonly string? _path;
    private readonly ConfigurationOverride[] _overrides;
    private readonly TimeProvider _time;

    /// <summary>A file, which is not looked at yet.</summary>
    /// <param name="path">Its name; <c>null</c>: there is no file, and what is said stands in the environment and the command line.</param>
    /// <param name="environment">The variables of the environment; those that begin with <c>ANTIPHON__</c> count.</param>
    /// <param name="settings">Settings of the command line; of two for the same, the last counts.</param>
    /// <param name="time">The clock, to see which certificates have expired; <c>null</c>: the system's.</param>
    public ConfigurationFile(
        string? path,
        IReadOnlyDictionary<string, string> environment,
        IReadOnlyList<ConfigurationOverride> settings,
        TimeProvider? time = null)
    {
        ArgumentNullException.ThrowIfNull(environment);
        ArgumentNullException.ThrowIfNull(settings);
        _path = path;
        _time = time ?? TimeProvider.System;
        _overrides = [.. ConfigurationOverride.FromEnvironment(environment), .. settings];
    }

    /// <summary>What it is called in sentences: its name, if there is a file.</summary>
    public string Name => _path ?? "the configuration";

    /// <summary>Reads it as it is now, and all files that it names, to see whether they can be used.</summary>
    public ConfigurationReading Read()
    {
        var mistakes = new List<ConfigurationMistake>();
        if (_path is null)
        {
            return Read("{}"u8.ToArray(), Directory.GetCurrentDirectory(), mistakes, []);
        }

        var file = Path.GetFullPath(_path);
        byte[] bytes;
        try
        {
            bytes = File.ReadAllBytes(file);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            mistakes.Add(new(new Place(_path), $"The file cannot be read: {failure.Message}", IsWarning: false));
            return new ConfigurationReading(null, mistakes, [file]);
        }

        return Read(bytes, Path.GetDirectoryName(file)!, mistakes, [file]);
    }

    private ConfigurationReading Read(byte[] bytes, string folder, List<ConfigurationMistake> mistakes, List<string> files)
    {
        ServerOptions? options = null;
        if (JsonTree.Parse(bytes, Name, mistakes) is { } root)
        {
            if (root.Kind == NodeKind.Object)
            {
                Array.ForEach(_overrides, one => one.ApplyTo(root, mistakes));
            }

            var context = new ReadingContext(folder, _time, mistakes);
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
