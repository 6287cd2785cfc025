using Antiphon.Interop.Libraries;
using Antiphon.Protocol;

namespace Antiphon.Interop.Scenarios;

/// <summary>One test's clients and topics, apart from those of all others at the same brokers.</summary>
internal sealed class Scenario : IAsyncDisposable
{
    private readonly Peers _peers;
    private readonly Library _library;
    private readonly string _name;
    private readonly List<Actor> _actors = [];

    private Scenario(Peers peers, Library library, int brokerPort)
    {
        _peers = peers;
        _library = library;
        BrokerPort = brokerPort;
        _name = $"scenario-{peers.NextNumber()}";
    }

    /// <summary>The TCP port of the broker.</summary>
    public int BrokerPort { get; }

    /// <summary>Begins one whose clients are a library's unless said otherwise, at the broker that the library meets.</summary>
    public static Task<Scenario> BeginAsync(Peers peers, Library library) => BeginAsync(peers, library, Peers.MiddleFor(library));

    /// <summary>Begins one at a broker.</summary>
    public static async Task<Scenario> BeginAsync(Peers peers, Library library, Middle middle) =>
        new(peers, library, await peers.PortOfAsync(middle));

    /// <summary>A Topic Name or Topic Filter that no other scenario uses.</summary>
    public string Topic(string levels) => $"{_name}/{levels}";

    /// <summary>A filter that the group of this scenario shares.</summary>
    public string Shared(string levels) => $"$share/{_name}/{Topic(levels)}";

    /// <summary>A client that has not connected yet.</summary>
    public async Task<Actor> CreateAsync(ProtocolVersion version, Func<Connecting, Connecting>? how = null, Library? library = null)
    {
        var connecting = new Connecting { Version = version, ClientId = $"{_name}-{_actors.Count + 1}" };
        var actor = new Actor(
            await _peers.NewClientAsync(library ?? _library), how?.Invoke(connecting) ?? connecting, new Relay(BrokerPort));
        _actors.Add(actor);
        return actor;
    }

    /// <summary>A client that is connected.</summary>
    public async Task<Actor> ConnectAsync(ProtocolVersion version, Func<Connecting, Connecting>? how = null, Library? library = null)
    {
        var actor = await CreateAsync(version, how, library);
        await actor.ConnectAsync();
        return actor;
    }

    public async ValueTask DisposeAsync()
    {
        await Task.WhenAll(_actors.Select(actor => actor.DisposeAsync().AsTask()));
        TestContext.Current.TestOutputHelper?.WriteLine(string.Concat(_actors.Select(actor => actor.Story)));
    }
}
