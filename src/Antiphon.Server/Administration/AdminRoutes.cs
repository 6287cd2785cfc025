using Antiphon.Broker;
using Antiphon.Protocol.Wire;
using Antiphon.Server.Metrics;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Antiphon.Server.Administration;

/// <summary>What the admin endpoint answers, by path.</summary>
internal sealed partial class AdminRoutes(ServerHost server, MeterReader meters, TimeProvider time, ILogger logger)
{
    /// <summary>How long the broker's thread may take to answer before it counts as unhealthy.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private static readonly byte[] Fine = "ok\n"u8.ToArray();
    private static readonly byte[] Stopping = "stopping\n"u8.ToArray();
    private static readonly byte[] Silent = "the broker does not answer\n"u8.ToArray();

    private static string Version { get; } = typeof(AdminRoutes).Assembly.GetName().Version!.ToString(3);

    /// <summary>Whether the broker is there no more.</summary>
    public bool HasBrokerStopped => Broker.Completion.IsCompleted;

    private BrokerHost Broker => server.Broker;

    /// <summary>Whether a path is for anybody: it says how the broker is in a word, for what watches over it.</summary>
    public static bool IsOpen(PathString path) => path.Value is "/healthz" or "/readyz";

    /// <summary>Answers; who asks has shown the token, unless the path is open.</summary>
    public Task AnswerAsync(HttpContext context) => (context.Request.Path.Value, context.Request.Method) switch
    {
        ("/healthz", "GET" or "HEAD") => AnswerHealthAsync(context),
        ("/readyz", "GET" or "HEAD") => AdminResponse.WriteAsync(
            context,
            server.IsServing ? Fine : Stopping,
            server.IsServing ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable),
        ("/metrics", "GET") => AdminResponse.WriteAsync(context, meters.Read(), contentType: MeterReader.ContentType),
        ("/v1/status", "GET") => AnswerStatusAsync(context),
        ("/v1/clients", "GET") => AdminResponse.WriteLinesAsync(
            context,
            Broker.Listing.ConnectionsAsync(context.RequestAborted),
            connection => connection.IsConnected ? ClientRow.Of(connection) : null,
            AdminJson.Instance.ClientRow),
        ("/v1/sessions", "GET") => AdminResponse.WriteLinesAsync(
            context, Broker.Listing.SessionsAsync(context.RequestAborted), SessionRow.Of, AdminJson.Instance.SessionRow),
        ("/v1/subscriptions", "GET") => AdminResponse.WriteLinesAsync(
            context, Broker.Listing.SubscriptionsAsync(context.RequestAborted), SubscriptionRow.Of, AdminJson.Instance.SubscriptionRow),
        ("/v1/retained", "GET") => AdminResponse.WriteLinesAsync(
            context, Broker.Listing.RetainedAsync(context.RequestAborted), RetainedRow.Of, AdminJson.Instance.RetainedRow),
        ("/v1/client", "GET") => ShowAsync(context),
        ("/v1/client", "DELETE") => EndAsync(context, dropSession: false),
        ("/v1/session", "DELETE") => EndAsync(context, dropSession: true),
        ("/healthz" or "/readyz" or "/metrics" or "/v1/status" or "/v1/clients" or "/v1/sessions" or "/v1/subscriptions"
            or "/v1/retained" or "/v1/client" or "/v1/session", _) => AdminResponse.RefuseAsync(
            context, StatusCodes.Status405MethodNotAllowed, $"{context.Request.Method} is not for {context.Request.Path}."),
        _ => AdminResponse.RefuseAsync(context, StatusCodes.Status404NotFound, $"There is nothing at {context.Request.Path}."),
    };

    private async Task AnswerHealthAsync(HttpContext context)
    {
        using var patience = new CancellationTokenSource(Patience, time);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, patience.Token);
        var isFine = true;
        try
        {
            await Broker.TakeSnapshotAsync(0, ended.Token);
        }
        catch (Exception failure) when (failure is InvalidOperationException or OperationCanceledException)
        {
            isFine = false;
        }

        await AdminResponse.WriteAsync(
            context, isFine ? Fine : Silent, isFine ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable);
    }

    private async Task AnswerStatusAsync(HttpContext context)
    {
        var snapshot = await Broker.TakeSnapshotAsync(0, context.RequestAborted);
        var row = StatusRow.Of(
            snapshot, server.IsServing ? "running" : "stopping", Version, [.. server.EndPoints.Select(endPoint => endPoint.Url)]);
        await AdminResponse.WriteAsync(context, row, AdminJson.Instance.StatusRow);
    }

    private async Task ShowAsync(HttpContext context)
    {
        if (await ReadIdAsync(context) is not { } id)
        {
            return;
        }

        if (await Broker.Listing.FindAsync(id, context.RequestAborted) is { } client)
        {
            await AdminResponse.WriteAsync(context, ClientWhole.Of(client), AdminJson.Instance.ClientWhole);
        }
        else
        {
            await RefuseUnknownAsync(context, $"There is no client «{id}», and no Session of one.");
        }
    }

    private async Task EndAsync(HttpContext context, bool dropSession)
    {
        if (await ReadIdAsync(context) is not { } id)
        {
            return;
        }

        if (await Broker.EndClientAsync(id, dropSession, context.RequestAborted))
        {
            var what = dropSession ? "The Session" : "The connection";
            var client = Utf8Text.Excerpt(id);
            LogEnded(logger, what, client, context.Connection.RemoteIpAddress);
            context.Response.StatusCode = StatusCodes.Status204NoContent;
        }
        else
        {
            await RefuseUnknownAsync(context, dropSession ? $"There is no Session of «{id}»." : $"No client «{id}» is connected.");
        }
    }

    private static async Task<string?> ReadIdAsync(HttpContext context)
    {
        var id = context.Request.Query["id"];
        if (id.Count == 1)
        {
            return id[0];
        }

        await AdminResponse.RefuseAsync(
            context, StatusCodes.Status400BadRequest, $"Say which client: {context.Request.Path}?id=CLIENT");
        return null;
    }

    private static Task RefuseUnknownAsync(HttpContext context, string sentence) =>
        AdminResponse.RefuseAsync(context, StatusCodes.Status404NotFound, sentence);

    [LoggerMessage(
        EventId = 2022,
        Level = LogLevel.Information,
        Message = "{What} of client «{ClientId}» was ended by an operator at {Address}")]
    private static partial void LogEnded(ILogger logger, string what, string clientId, System.Net.IPAddress? address);
}
