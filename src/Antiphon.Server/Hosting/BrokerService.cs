using Antiphon.Broker.Access;
using Antiphon.Broker.Authentication;
using Antiphon.Server.Users;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Antiphon.Server.Hosting;

/// <summary>Runs a server as long as the application runs.</summary>
internal sealed partial class BrokerService(
    IServiceProvider services, Func<IServiceProvider, ServerOptions> options, ILoggerFactory logs, IHostApplicationLifetime application)
    : IHostedLifecycleService
{
    private readonly ILogger _logger = logs.CreateLogger("Antiphon.Server");
    private ServerHost? _server;
    private Task _watching = Task.CompletedTask;

    /// <summary>The server, while there is one.</summary>
    public ServerHost? Server => Volatile.Read(ref _server);

    /// <summary>The options that it runs with.</summary>
    public ServerOptions? Options { get; private set; }

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var wanted = Complete(options(services));
        var server = await ServerHost.StartAsync(wanted, cancellationToken);
        Options = wanted;
        Volatile.Write(ref _server, server);
        foreach (var endPoint in server.EndPoints)
        {
            LogListening(_logger, endPoint.Url);
        }

        _watching = WatchAsync(server);
    }

    /// <summary>
    /// Clients are told before anything is stopped: the application's own web server waits for its WebSockets to end.
    /// </summary>
    public Task StoppingAsync(CancellationToken cancellationToken) => Server?.StopAsync(cancellationToken) ?? Task.CompletedTask;

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        if (Server is { } server)
        {
            await server.DisposeAsync();
            await _watching;
        }
    }

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>What the options leave open comes from the application's services.</summary>
    private ServerOptions Complete(ServerOptions wanted)
    {
        var broker = wanted.Broker with
        {
            LoggerFactory = logs,
            Authorizer = wanted.Broker.Authorizer ?? services.GetService<IAuthorizer>(),
            AuthenticationMethods = [.. wanted.Broker.AuthenticationMethods, .. services.GetServices<IAuthenticationMethod>()],
        };
        return wanted with
        {
            Broker = broker.Authenticator is null && services.GetServices<IAuthenticator>().ToArray() is { Length: > 0 } authenticators
                ? broker with { Authenticator = new AuthenticatorChain(authenticators) }
                : broker,
        };
    }

    /// <summary>An application without its broker is not to look alive.</summary>
    private async Task WatchAsync(ServerHost server)
    {
        try
        {
            await server.Completion;
        }
        catch (Exception failure)
        {
            LogFailed(_logger, failure);
            application.StopApplication();
        }
    }

    [LoggerMessage(EventId = 2010, Level = LogLevel.Information, Message = "Listening at {Url}")]
    private static partial void LogListening(ILogger logger, string url);

    [LoggerMessage(EventId = 2011, Level = LogLevel.Critical, Message = "The broker has failed; the application stops.")]
    private static partial void LogFailed(ILogger logger, Exception failure);
}
