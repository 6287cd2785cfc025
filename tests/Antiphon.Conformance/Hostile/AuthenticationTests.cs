using System.Net;
using Antiphon.Broker;
using Antiphon.Broker.Authentication;

namespace Antiphon.Conformance.Hostile;

/// <summary>Clients that have not said yet who they are, and do something else.</summary>
public sealed class AuthenticationTests(ITestOutputHelper output)
{
    private const string Begin = "10[ \"MQTT\" 05 02 0000 ( 15 \"endless\" ) \"~\" ]";
    private const string GoOn = "F0[ 18 ( 15 \"endless\", 16 s{ 78*100 } ) ]";

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);

    private readonly HandClock _clock = new();

    [Fact]
    public Task An_exchange_of_AUTH_that_never_ends_is_over_after_ConnectTimeout() => WatchAsync(async (broker, _) =>
    {
        await using var client = await Peer.OpenAsync(broker);
        await client.SendAsync(Begin);
        var steps = 0;
        while (await client.NextAsync() is { } packet)
        {
            if (packet.First != 0xF0)
            {
                // The client was late, or the authenticator was.
                Assert.Equal(0x20, packet.First);
                Assert.True(packet.Body[1] is 0x87 or 0x88, $"CONNACK {packet.Body[1]:X2}");
                Assert.Null(await client.NextAsync());
                break;
            }

            // Each step is soon done, and all together take too long.
            steps++;
            _clock.Turn(Limit / 100);
            await client.SendAsync(GoOn);
        }

        output.WriteLine($"{steps} steps");
        Assert.InRange(steps, 95, 105);
    });

    [Fact]
    public Task AUTH_ahead_of_its_turn_is_a_protocol_error() => WatchAsync(async (broker, _) =>
    {
        await using var client = await Peer.OpenAsync(broker);
        await client.SendAsync($"{Begin} {{ {GoOn} }}*1000");
        var packet = await client.NextAsync();
        while (packet is { First: 0xF0 })
        {
            packet = await client.NextAsync();
        }

        Assert.Equal((0x20, 0x82), (Assert.NotNull(packet).First, packet!.Value.Body[1]));
        Assert.Null(await client.NextAsync());
    });

    [Theory]
    [InlineData("30[ \"a\" () 'x' ]")]
    [InlineData("82[ 0001 () \"a\" 00 ]")]
    [InlineData("C0 00")]
    [InlineData("10[ \"MQTT\" 05 02 0000 () \"~\" ]")]
    public Task Anything_but_AUTH_and_DISCONNECT_ends_the_exchange_with_0x82(string packet) => WatchAsync(async (broker, _) =>
    {
        await using var client = await Peer.OpenAsync(broker);
        await client.SendAsync(Begin);
        Assert.Equal(0xF0, Assert.NotNull(await client.NextAsync()).First);

        await client.SendAsync(packet);

        await client.ExpectAsync(0x20, 0x82);
        Assert.Null(await client.NextAsync());
    });

    [Fact]
    public Task Who_waits_to_be_judged_and_sends_on_and_on_is_left_unread() => WatchAsync(async (broker, pair) =>
    {
        var clients = new List<Peer>();
        for (var i = 0; i < 20; i++)
        {
            var client = await Peer.OpenAsync(broker);
            clients.Add(client);
            await client.SendAsync("10[ \"MQTT\" 05 82 0000 () \"~\" \"u\" ]");
        }

        var floods = Task.WhenAll(clients.Select(FloodAsync));
        while (!floods.IsCompleted)
        {
            // Meanwhile the others go on, and time does.
            _clock.Turn(Limit / 100);
            await pair.ExchangeAsync();
        }

        output.WriteLine($"20 clients sent {(await floods).Sum() / 1024 / 1024} MiB until they were closed");
        foreach (var client in clients)
        {
            await client.DisposeAsync();
        }
    });

    /// <summary>Sends for as long as anybody takes it.</summary>
    private static async Task<long> FloodAsync(Peer client)
    {
        var flood = new byte[64 * 1024];
        Tables.Rendered.Bytes("30[ \"a\" () 78*1000 ]").CopyTo(flood, 0);
        var sent = 0L;
        while (await client.SendAsync(flood))
        {
            sent += flood.Length;
            Assert.InRange(sent, 0, 64 * 1024 * 1024);
        }

        return sent;
    }

    private async Task WatchAsync(Func<DnsEndPoint, WatchPair, Task> attack)
    {
        await using var host = BrokerHost.Start(new BrokerOptions
        {
            Port = 0,
            AllowAnonymous = true,
            ConnectTimeout = Limit,
            AuthenticationMethods = [new Endless()],
            Authenticator = new Asleep(),
            TimeProvider = _clock,
        });
        var broker = new DnsEndPoint("127.0.0.1", host.Port);
        await using var pair = await WatchPair.StartAsync(broker);
        await attack(broker, pair);
        await pair.ExchangeAsync();
    }

    /// <summary>Is never satisfied.</summary>
    private sealed class Endless : IAuthenticationMethod, IAuthenticationExchange
    {
        public string Name => "endless";

        public IAuthenticationExchange Begin(ConnectingClient client) => this;

        public ValueTask<AuthenticationResult> NextAsync(ReadOnlyMemory<byte>? data, CancellationToken cancellationToken) =>
            new(AuthenticationResult.Continue(data));
    }

    /// <summary>Never answers about a client that gives a user name.</summary>
    private sealed class Asleep : IAuthenticator
    {
        public async ValueTask<AuthenticationResult> AuthenticateAsync(ConnectingClient client, CancellationToken cancellationToken)
        {
            if (client.UserName is not null)
            {
                await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken);
            }

            return AuthenticationResult.Accept();
        }
    }
}
