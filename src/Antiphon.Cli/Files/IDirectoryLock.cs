namespace Antiphon.Cli.Files;

/// <summary>A directory that no other process changes files in, as far as it asks for the lock too. Disposing gives it back.</summary>
internal interface IDirectoryLock : IDisposable
{
    /// <summary>Waits until the disk has the names in the directory.</summary>
    void Flush();
}
