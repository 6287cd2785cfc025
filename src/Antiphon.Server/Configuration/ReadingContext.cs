namespace Antiphon.Server.Configuration;

/// <summary>What reading a configuration needs to know, and what it finds.</summary>
/// <param name="folder">Where relative file names begin.</param>
/// <param name="time">The clock, to see what has expired.</param>
/// <param name="mistakes">What is wrong is added here.</param>
internal sealed class ReadingContext(string folder, TimeProvider time, List<ConfigurationMistake> mistakes)
{
    /// <summary>The files that the configuration names.</summary>
    public List<string> Files { get; } = [];

    public DateTimeOffset Now => time.GetUtcNow();

    public bool HasErrors => mistakes.Exists(mistake => !mistake.IsWarning);

    public void Error(Place place, string sentence) => mistakes.Add(new(place, sentence, IsWarning: false));

    public void Warn(Place place, string sentence) => mistakes.Add(new(place, sentence, IsWarning: true));

    /// <summary>A file's full name.</summary>
    public string Resolve(string path) => Path.GetFullPath(path, folder);
}
