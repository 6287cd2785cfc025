namespace Antiphon.Client.Tests.Stores;

/// <summary>A name in the temporary directory that nobody else uses. What has that name in the end is deleted.</summary>
internal sealed class TemporaryFile : IDisposable
{
    public string Path { get; } = System.IO.Path.Combine(System.IO.Path.GetTempPath(), System.IO.Path.GetRandomFileName());

    public void Dispose() => File.Delete(Path);
}
