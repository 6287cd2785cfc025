using System.Net;
using Antiphon.Broker;
using Antiphon.Broker.Authentication;

namespace Antiphon.Conformance.Hostile;

/// <summary>Clients that have not said yet who they are, and do something else.</summary>
public sealed class AuthenticationTests(ITestOutputHelper output)
{
    private const string Begin = "10[ \"MQTT\" 05 02 0000 ( 15 \"endless\" ) \"~\" ]";
    private const string GoOn = "F0[ 18 ( 15 \"endless\", 16 s{ 78*100 } ) ]";

    private static readonly TimeSpan Short = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Slack = TimeSpan.FromSeconds(5);

    private static readonly BrokerOptions Options = new()
    {
        Port = 0,
        AllowAnonymous = true,
        ConnectTimeout = Short,
        AuthenticationMethods = [new Endless()],
        Authenticator = new Asleep(),
    };

    [Fact]
    public Task An_exchange_of_AUTH_that_never_ends_is_over_after_ConnectTimeout() => WatchAsync(async broker =>
    {
        await using var client = await Peer.OpenAsync(broker);
        await client.SendAsync(Begin);
        var started = TimeProvider.System.GetTimestamp();
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

            steps++;
            await client.SendAsync(GoOn);
        }

        output.WriteLine($"{steps} steps");
        Assert.InRange(TimeProvider.System.GetElapsedTime(started), Short / 2, Short + Slack);
    });

    [Fact]
    public Task AUTH_ahead_of_its_turn_is_a_protocol_error() => WatchAsync(async broker =>
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
    public Task Anything_but_AUTH_and_DISCONNECT_ends_the_exchange_with_0x82(string packet) => WatchAsync(async broker =>
    {
        await using var client = await Peer.OpenAsync(broker);
        await client.SendAsync(Begin);
        Assert.Equal(0xF0, Assert.NotNull(await client.NextAsync()).First);

        await client.SendAsync(packet);

        await client.ExpectAsync(0x20, 0x82);
        Assert.Null(await client.NextAsync());
    });

    [Fact]
    public Task Who_waits_to_be_judged_and_sends_on_and_on_is_left_unread() => WatchAsync(async broker =>
    {
        var clients = new List<Peer>();
        for (var i = 0; i < 20; i++)
        {
            var client = await Peer.OpenAsync(broker);
            clients.Add(client);
            await client.SendAsync("10[ \"MQTT\" 05 82 0000 () \"~\" \"u\" ]");
        }

        var floods = await Task.WhenAll(clients.Select(FloodAsync));

        output.WriteLine($"20 clients sent {floods.Sum() / 1024 / 1024} MiB until they were closed");
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

    private static async Task WatchAsync(Func<DnsEndPoint, Task> attack)
    {
        await using var host = BrokerHost.Start(Options);
        var broker = new DnsEndPoint("127.0.0.1", host.Port);
        await using var pair = await WatchPair.StartAsync(broker);
        await attack(broker);
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
