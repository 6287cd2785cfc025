using System.Net;
using Antiphon.Bench.Calls.Roles;
using Grpc.Core;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Antiphon.Bench.Calls.Peers;

/// <summary>
/// gRPC's unary call over HTTP/2 without TLS, from one channel to Kestrel: two processes, no broker. Its messages are bytes, as
/// everybody's here are, not Protocol Buffers.
/// </summary>
internal static class GrpcPeer
{
    public static ICaller Request(int port, CallScenario scenario)
    {
        var channel = GrpcChannel.ForAddress($"http://127.0.0.1:{port}");
        return new Caller(channel, channel.CreateCallInvoker(), Peer.Payloads(scenario));
    }

    public static async Task<Answering> RespondAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Services.AddGrpc();
        builder.WebHost.ConfigureKestrel(kestrel =>
            kestrel.Listen(IPAddress.Loopback, 0, endpoint => endpoint.Protocols = HttpProtocols.Http2));
        var server = builder.Build();
        server.MapGrpcService<GrpcEcho>();
        await server.StartAsync();
        var addresses = server.Services.GetRequiredService<IServer>().Features.GetRequiredFeature<IServerAddressesFeature>().Addresses;
        return new Answering(new Uri(addresses.First()).Port, server.DisposeAsync);
    }

    private sealed class Caller(GrpcChannel channel, CallInvoker invoker, byte[][] payloads) : ICaller
    {
        public async Task RunAsync(int slot, CallLog log)
        {
            var payload = payloads[slot];
            while (log.GoesOn)
            {
                var start = CallLog.Now;
                try
                {
                    var response = await invoker.AsyncUnaryCall(GrpcEchoService.Method, null, default, payload);
                    if (response.AsSpan().SequenceEqual(payload))
                    {
                        log.Answered(start);
                    }
                    else
                    {
                        log.HasFailed("The answer belongs to another request.");
                    }
                }
                catch (RpcException failure)
                {
                    log.HasFailed(failure.Message);
                }
            }
        }

        public ValueTask DisposeAsync()
        {
            channel.Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
