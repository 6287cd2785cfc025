using System.Globalization;
using Antiphon.Rpc.Tests.Servers;
using Antiphon.Rpc.Tests.Timing;

namespace Antiphon.Rpc.Tests.Requesting;

/// <summary>Calls that one thread begins one after another reach the wire in that order, whatever other threads do.</summary>
public sealed class OrderTests
{
    private const int Calls = 2_000;

    private static readonly RequestOptions Patient = new() { Timeout = TimeSpan.FromMinutes(1) };

    /// <summary>
    /// With two places nearly all of them wait in the requester,
    /// and are sent by other threads than the one that began them.
    /// </summary>
    [Theory]
    [InlineData(16_384)]
    [InlineData(2)]
    public async Task Calls_that_one_thread_does_not_await_keep_their_order_beside_those_of_others(int maximumInFlight)
    {
        await using var server = await Server.StartAsync(Kind.Antiphon);
        await using var witness = await server.ConnectAsync();
        var seen = new List<int>();
        await witness.SubscribeRawAsync(
            "ordered",
            (in message, in acknowledgement) =>
            {
                seen.Add(int.Parse(message.Payload, CultureInfo.InvariantCulture));
                acknowledgement.Complete();
            },
            cancellationToken: Limit.Token);
        await using var device = await server.ConnectAsync();
        await using var responder = new Responder(device, new ResponderOptions { MaximumWaiting = Calls });
        await responder.RespondAsync("ordered", _ => "ok", cancellationToken: Limit.Token);
        await responder.RespondAsync("others", _ => "ok", cancellationToken: Limit.Token);
        await using var client = await server.ConnectAsync();
        await using var requester = new Requester(client, new RequesterOptions { MaximumInFlight = maximumInFlight });
        using var over = new CancellationTokenSource();

        var others = Enumerable.Range(0, 4).Select(_ => Task.Run(
            async () =>
            {
                while (!over.IsCancellationRequested)
                {
                    await requester.RequestAsync("others", "x", Patient, Limit.Token);
                }
            },
            Limit.Token)).ToList();
        var calls = await Task.Run(
            () => Enumerable.Range(0, Calls).Select(
                number => requester.RequestAsync("ordered", number.ToString(CultureInfo.InvariantCulture), Patient, Limit.Token)
                    .AsTask()).ToList(),
            Limit.Token);
        await Task.WhenAll(calls).InTime();
        await over.CancelAsync();
        await Task.WhenAll(others).InTime();
        await Wait.Until(() => Volatile.Read(ref seen).Count == Calls);

        Assert.Equal(Enumerable.Range(0, Calls), seen);
    }
}
