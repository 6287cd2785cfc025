using Microsoft.Extensions.Hosting;

namespace Antiphon.Server.Listening;

/// <summary>Kestrel lives within another host, or a program: signals are not for it.</summary>
internal sealed class ForeignLifetime : IHostLifetime
{
    public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
