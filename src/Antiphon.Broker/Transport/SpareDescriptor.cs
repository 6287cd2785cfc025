using Microsoft.Win32.SafeHandles;

namespace Antiphon.Broker.Transport;

/// <summary>
/// A file descriptor that is kept to be given up: when there is none left, a connection can be taken with it and closed,
/// so that its client is not left waiting. Used by one thread at a time.
/// </summary>
internal sealed class SpareDescriptor : IDisposable
{
    private SafeFileHandle? _held = Open();

    /// <summary>Takes a descriptor again, unless it is still held.</summary>
    /// <returns>Whether it is held now.</returns>
    public bool TryTake() => (_held ??= Open()) is not null;

    /// <summary>Gives it up, so that another one can be opened.</summary>
    /// <returns>Whether it was held.</returns>
    public bool TryGiveUp()
    {
        var held = _held;
        _held = null;
        held?.Dispose();
        return held is not null;
    }

    public void Dispose() => TryGiveUp();

    private static SafeFileHandle? Open()
    {
        try
        {
            return File.OpenHandle(OperatingSystem.IsWindows() ? "NUL" : "/dev/null");
        }
        catch (Exception unavailable) when (unavailable is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
