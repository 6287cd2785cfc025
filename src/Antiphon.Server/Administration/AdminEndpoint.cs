using System.Net;
using System.Net.Security;
using Antiphon.Broker;
using Antiphon.Server.Listening;
using Antiphon.Server.Metrics;
using Antiphon.Server.Tls;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Antiphon.Server.Administration;

/// <summary>
/// The endpoint for operators: HTTP/1.1 by a Kestrel of its own, whose requests show the token. It answers no page of another origin:
/// there is no CORS, and without encryption a request has to name this machine, so that a foreign name that was made to lead here
/// (DNS rebinding) gets nothing.
/// </summary>
internal sealed partial class AdminEndpoint : IAsyncDisposable
{
    private const int MaximumConnections = 64;

    /// <summary>Whoever guesses tokens is in the log so often.</summary>
    private static readonly TimeSpan LinePause = TimeSpan.FromMinutes(1);

    private readonly WebApplication _web;
    private readonly AdminOptions _options;
    private readonly AdminRoutes _routes;
    private readonly MeterReader _meters;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Lock _lines = new();
    private ListenOptions? _bound;

    // Swapped by a reload, read by each request and each handshake.
    private volatile AdminToken _token;
    private volatile ListenerCertificates? _certificates;

    // Guarded by _lines.
    private long _lastLine;
    private int _refused;

    private AdminEndpoint(
        AdminOptions options,
        AdminToken token,
        ListenerCertificates? certificates,
        ServerHost server,
        MeterReader meters,
        BrokerOptions broker)
    {
        _options = options;
        _token = token;
        _certificates = certificates;
        _meters = meters;
        _time = broker.TimeProvider;
        _logger = broker.LoggerFactory.CreateLogger("Antiphon.Server");
        _routes = new AdminRoutes(server, meters, _time, _logger);
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddSingleton<ILoggerFactory>(new ListenerLogs(broker.LoggerFactory));
        builder.Services.AddSingleton<IHostLifetime, ForeignLifetime>();

        // Who does not read a listing to its end does not hold up the end of the program.
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = broker.CloseTimeout);
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxConcurrentConnections = MaximumConnections;
            kestrel.Limits.MaxRequestBodySize = 0;
            kestrel.Limits.RequestHeadersTimeout = broker.ConnectTimeout;

            // Who connects and says nothing does not keep the places of operators.
            kestrel.Limits.KeepAliveTimeout = broker.ConnectTimeout;
            kestrel.Listen(options.Bind, options.Port, Configure);
        });
        _web = builder.Build();
        _web.Run(ServeAsync);
    }

    /// <summary>Where it listens.</summary>
    public string Url => _options.Url(_bound!.IPEndPoint!.Port);

    /// <summary>Starts to listen.</summary>
    /// <exception cref="BrokerStartException">The address or port cannot be had.</exception>
    public static async Task<AdminEndpoint> StartAsync(
        AdminOptions options,
        AdminToken token,
        ListenerCertificates? certificates,
        ServerHost server,
        MeterReader meters,
        BrokerOptions broker,
        CancellationToken cancellationToken)
    {
        var endpoint = new AdminEndpoint(options, token, certificates, server, meters, broker);
        try
        {
            await endpoint._web.StartAsync(cancellationToken);
            LogListening(endpoint._logger, endpoint.Url);
            return endpoint;
        }
        catch (Exception failure)
        {
            await endpoint.DisposeAsync();
            throw failure is IOException or System.Net.Sockets.SocketException
                ? new BrokerStartException(
                    $"The admin endpoint cannot listen: {failure.Message.TrimEnd('.')}. Choose another port, or 0 for a free one.", failure)
                : failure;
        }
    }

    /// <summary>Requests and connections from now on are judged by these.</summary>
    public void Renew(AdminToken token, ListenerCertificates? certificates)
    {
        _token = token;
        _certificates = certificates;
    }

    /// <summary>Answers no more.</summary>
    /// <param name="cancellationToken">Ends the requests that are left.</param>
    public Task StopAsync(CancellationToken cancellationToken) => _web.StopAsync(cancellationToken);

    public async ValueTask DisposeAsync()
    {
        await _web.DisposeAsync();
        _meters.Dispose();
    }

    private void Configure(ListenOptions endPoint)
    {
        _bound = endPoint;
        endPoint.Protocols = HttpProtocols.Http1;
        if (_options.Certificate is not null)
        {
            endPoint.UseHttps(new TlsHandshakeCallbackOptions
            {
                OnConnection = handshake => ValueTask.FromResult(_certificates!.OptionsFor(
                    handshake.ClientHelloInfo.ServerName, SslApplicationProtocol.Http11, refused: _ => { })),
            });
        }
    }

    private async Task ServeAsync(HttpContext context)
    {
        // What is said here is about this moment, and for nobody else.
        context.Response.Headers.CacheControl = "no-store";
        context.Response.Headers.XContentTypeOptions = "nosniff";
        try
        {
            if (AdminRoutes.IsOpen(context.Request.Path))
            {
                await _routes.AnswerAsync(context);
            }
            else if (!IsForUs(context.Request.Host))
            {
                NoteRefusal(context, "the request names another host");
                await AdminResponse.RefuseAsync(
                    context,
                    StatusCodes.Status421MisdirectedRequest,
                    $"«{context.Request.Host}» is not a name of this endpoint; ask for {Url}.");
            }
            else if (!_token.Matches(context.Request.Headers.Authorization))
            {
                NoteRefusal(context, "the token is wrong, or missing");
                context.Response.Headers.WWWAuthenticate = "Bearer";
                await AdminResponse.RefuseAsync(
                    context,
                    StatusCodes.Status401Unauthorized,
                    "The token is wrong, or missing: send the first line of the token file as «Authorization: Bearer TOKEN».");
            }
            else
            {
                await _routes.AnswerAsync(context);
            }
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // Nobody waits for the answer any more.
        }
        catch (InvalidOperationException) when (!context.Response.HasStarted && _routes.HasBrokerStopped)
        {
            await AdminResponse.RefuseAsync(context, StatusCodes.Status503ServiceUnavailable, "The broker has stopped.");
        }
    }

    /// <summary>Over TLS the certificate says whose name it is.</summary>
    private bool IsForUs(HostString host) =>
        _options.Certificate is not null
        || string.Equals(host.Host, "localhost", StringComparison.OrdinalIgnoreCase)
        || (IPAddress.TryParse(host.Host, out var address) && IPAddress.IsLoopback(address));

    private void NoteRefusal(HttpContext context, string why)
    {
        int refused;
        lock (_lines)
        {
            _refused++;
            if (_lastLine != 0 && _time.GetElapsedTime(_lastLine) < LinePause)
            {
                return;
            }

            (refused, _refused) = (_refused, 0);
            _lastLine = Math.Max(1, _time.GetTimestamp());
        }

        LogRefused(_logger, context.Connection.RemoteIpAddress, why, refused);
    }

    [LoggerMessage(EventId = 2020, Level = LogLevel.Information, Message = "The admin endpoint listens at {Url}")]
    private static partial void LogListening(ILogger logger, string url);

    [LoggerMessage(
        EventId = 2021,
        Level = LogLevel.Warning,
        Message = "The admin endpoint refused {Address}: {Why}; refused since this was said last: {Refused}")]
    private static partial void LogRefused(ILogger logger, IPAddress? address, string why, int refused);
}
