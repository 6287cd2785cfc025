using System.Buffers;
using System.Net;
using Antiphon.Broker.Connections;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;

namespace Antiphon.Server.Listening;

/// <summary>A connection whose client's address a proxy has said, before TLS and everything else.</summary>
/// <param name="proxy">The proxy's own address.</param>
internal sealed partial class ProxiedConnection(EndPoint? proxy)
{
    /// <summary>The proxy's own address.</summary>
    public EndPoint? Proxy { get; } = proxy;

    /// <summary>Reads the header of the PROXY protocol and passes the connection on; without one it is closed.</summary>
    /// <param name="next">What comes behind the header.</param>
    /// <param name="patience">How long the header may take.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Is told of those that are closed.</param>
    public static ConnectionDelegate Unwrap(ConnectionDelegate next, TimeSpan patience, TimeProvider time, ILogger logger) =>
        async connection =>
        {
            if (await ReadAsync(connection, patience, time) is not { } header)
            {
                LogNoHeader(logger, connection.RemoteEndPoint);
                connection.Abort();
                return;
            }

            if (header.Source is { } source)
            {
                connection.Features.Set(new ProxiedConnection(connection.RemoteEndPoint));
                connection.RemoteEndPoint = source;
            }

            await next(connection);
        };

    private static async Task<ProxyHeader?> ReadAsync(ConnectionContext connection, TimeSpan patience, TimeProvider time)
    {
        var input = connection.Transport.Input;
        using var deadline = new CancellationTokenSource(patience, time);
        try
        {
            while (true)
            {
                var result = await input.ReadAsync(deadline.Token);
                var bytes = result.Buffer.Slice(0, Math.Min(result.Buffer.Length, ProxyHeader.MaximumLength)).ToArray();
                switch (ProxyHeader.TryRead(bytes, out var header))
                {
                    case ProxyHeaderStatus.Complete:
                        input.AdvanceTo(result.Buffer.GetPosition(header.Length));
                        return header;
                    case ProxyHeaderStatus.NeedMore when !result.IsCompleted:
                        input.AdvanceTo(result.Buffer.Start, result.Buffer.End);
                        break;
                    default:
                        input.AdvanceTo(result.Buffer.End);
                        return null;
                }
            }
        }
        catch (Exception gone) when (gone is OperationCanceledException or IOException)
        {
            // It took too long, or the proxy has gone.
            return null;
        }
    }

    [LoggerMessage(
        EventId = 2002,
        Level = LogLevel.Information,
        Message = "Closed a connection from {Proxy}: it does not begin with a header of the PROXY protocol, version 2.")]
    private static partial void LogNoHeader(ILogger logger, EndPoint? proxy);
}
