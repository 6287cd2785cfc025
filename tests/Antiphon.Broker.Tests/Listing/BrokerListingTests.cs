using Antiphon.Broker.Tests.Transport;

namespace Antiphon.Broker.Tests.Listing;

public sealed class BrokerListingTests
{
    private static CancellationToken Ending => TestContext.Current.CancellationToken;

    [Fact]
    public async Task What_a_running_broker_holds_can_be_listed_from_any_thread()
    {
        await using var broker = BrokerHost.Start(new BrokerOptions { Port = 0 });
        await using var ann = await TcpPeer.ConnectAsync(broker, "ann");
        await using var bob = await TcpPeer.ConnectAsync(broker, "bob");

        var connections = await broker.Listing.ConnectionsAsync(Ending).Select(row => row.ClientId).ToListAsync(Ending);
        var sessions = await broker.Listing.SessionsAsync(Ending).Select(row => row.ClientId).ToListAsync(Ending);

        Assert.Equal(["ann", "bob"], connections.Order());
        Assert.Equal(["ann", "bob"], sessions.Order());
        Assert.Empty(await broker.Listing.SubscriptionsAsync(Ending).ToListAsync(Ending));
        Assert.Empty(await broker.Listing.RetainedAsync(Ending).ToListAsync(Ending));
        Assert.Equal("bob", (await broker.Listing.FindAsync("bob", Ending))!.Session.ClientId);

        await broker.StopAsync(Ending);
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await broker.Listing.SessionsAsync(Ending).ToListAsync(Ending));
    }
}
