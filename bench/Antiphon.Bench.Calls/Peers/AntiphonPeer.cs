using Antiphon.Bench.Calls.Roles;
using Antiphon.Client;
using Antiphon.Protocol;
using Antiphon.Rpc;

namespace Antiphon.Bench.Calls.Peers;

/// <summary>Antiphon's Requester and Responder, with no option set but the QoS.</summary>
internal static class AntiphonPeer
{
    public static async Task<ICaller> RequestAsync(int port, CallScenario scenario)
    {
        var client = await MqttClient.ConnectAsync("127.0.0.1", port);
        var requester = new Requester(client, new RequesterOptions { QoS = (QualityOfService)scenario.Quality });
        return new Caller(client, requester, Peer.Payloads(scenario));
    }

    public static async Task<Answering> RespondAsync(int port)
    {
        var client = await MqttClient.ConnectAsync("127.0.0.1", port);
        var responder = new Responder(client);
        await responder.RespondAsync(Peer.Topic, request => request.Payload);
        return new Answering(port, async () =>
        {
            await responder.DisposeAsync();
            await client.DisposeAsync();
        });
    }

    private sealed class Caller(MqttClient client, Requester requester, byte[][] payloads) : ICaller
    {
        public async Task RunAsync(int slot, CallLog log)
        {
            var payload = payloads[slot];
            while (log.GoesOn)
            {
                var start = CallLog.Now;
                try
                {
                    var response = await requester.RequestAsync(Peer.Topic, payload);
                    if (response.Payload.Span.SequenceEqual(payload))
                    {
                        log.Answered(start);
                    }
                    else
                    {
                        log.HasFailed("The answer belongs to another request.");
                    }
                }
                catch (RequestException failure)
                {
                    log.HasFailed(failure.Message);
                }
            }
        }

        public async ValueTask DisposeAsync()
        {
            await requester.DisposeAsync();
            await client.DisposeAsync();
        }
    }
}
