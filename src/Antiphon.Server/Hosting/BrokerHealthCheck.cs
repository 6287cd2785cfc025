using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Antiphon.Server.Hosting;

/// <summary>Healthy: the broker's thread answers.</summary>
internal sealed class BrokerHealthCheck(BrokerService service) : IHealthCheck
{
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        if (service.Server is not { } server)
        {
            return new HealthCheckResult(context.Registration.FailureStatus, "The broker has not started.");
        }

        if (server.Completion.IsCompleted)
        {
            return new HealthCheckResult(
                context.Registration.FailureStatus, "The broker has stopped.", server.Completion.Exception?.InnerException);
        }

        try
        {
            var counters = (await server.Broker.TakeSnapshotAsync(0, cancellationToken)).Counters;
            return HealthCheckResult.Healthy(
                "The broker runs.",
                new Dictionary<string, object> { ["connections"] = counters.Connections, ["sessions"] = counters.Sessions });
        }
        catch (InvalidOperationException stopped)
        {
            return new HealthCheckResult(context.Registration.FailureStatus, "The broker has stopped.", stopped);
        }
    }
}
