using System.Net.Security;
using Antiphon.Broker;

namespace Antiphon.Server.Listening;

/// <summary>
/// The bytes within TLS. Kestrel owns the TLS stream: closing this one ends what reads and writes it, and leaves it to Kestrel.
/// </summary>
internal sealed class TlsConnectionStream(SslStream stream) : BorrowedStream, IHalfClosable
{
    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        stream.ReadAsync(buffer, Ended);

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
        stream.WriteAsync(buffer, Ended);

    /// <summary>Sends close_notify (RFC 8446 §6.1).</summary>
    public void EndSending() => _ = ShutDownAsync();

    private async Task ShutDownAsync()
    {
        try
        {
            await stream.ShutdownAsync();
        }
        catch (Exception gone) when (gone is IOException or InvalidOperationException)
        {
            // The peer is gone already, and reading says so.
        }
    }
}
