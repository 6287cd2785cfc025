using Antiphon.Broker;
using Microsoft.AspNetCore.Http.Features;

namespace Antiphon.Server.Listening;

/// <summary>A connection of Kestrel's is the broker's from here on.</summary>
internal static class Handover
{
    /// <summary>Gives a connection to the broker, and waits until it has ended.</summary>
    /// <param name="broker">The broker.</param>
    /// <param name="stream">The connection.</param>
    /// <param name="origin">Where it comes from.</param>
    /// <param name="features">Those of the connection.</param>
    /// <param name="abort">Ends the connection at once; callable at any time, also when it has ended long since.</param>
    /// <param name="options">The clock, and how long a peer may take to read what is on its way.</param>
    public static async Task RunAsync(
        BrokerHost broker,
        BorrowedStream stream,
        ConnectionOrigin origin,
        IFeatureCollection features,
        Action abort,
        BrokerOptions options)
    {
        Task ended;
        try
        {
            ended = broker.Accept(stream, origin);
        }
        catch (InvalidOperationException)
        {
            // It has been stopped meanwhile.
            abort();
            return;
        }

        PendingHandshakes.HandOver(features);
        await ended;

        // Kestrel sends what it still holds before it closes. A peer that does not read would hold it up for ever.
        var patience = new CancellationTokenSource(options.CloseTimeout, options.TimeProvider);
        patience.Token.Register(() =>
        {
            abort();
            patience.Dispose();
        });
    }
}
