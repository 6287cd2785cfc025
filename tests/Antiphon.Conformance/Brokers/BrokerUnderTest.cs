using System.Globalization;
using System.Net;
using Antiphon.Broker;
using Antiphon.Conformance.Brokers;

[assembly: AssemblyFixture(typeof(BrokerUnderTest))]
[assembly: CollectionBehavior(MaxParallelThreads = -1)]

namespace Antiphon.Conformance.Brokers;

/// <summary>
/// The broker that all cases share: the one at <c>ANTIPHON_BROKER</c> (HOST:PORT), else ours with its default options, in this process.
/// With <c>ANTIPHON_RESULTS</c> the outcome of every case is written to that file.
/// </summary>
public sealed class BrokerUnderTest : IAsyncLifetime
{
    private readonly BrokerHost? _ours;
    private Features? _features;

    public BrokerUnderTest()
    {
        if (Environment.GetEnvironmentVariable("ANTIPHON_BROKER") is { Length: > 0 } address)
        {
            EndPoint = Parse(address);
        }
        else
        {
            _ours = BrokerHost.Start(new BrokerOptions { Port = 0 });
            EndPoint = new DnsEndPoint("127.0.0.1", _ours.Port);
        }
    }

    internal DnsEndPoint EndPoint { get; }

    internal bool IsOurs => _ours is not null;

    internal Features Features => _features ?? throw new InvalidOperationException("The broker has not been asked yet.");

    internal Results Results { get; } = new();

    /// <summary>Letters and digits that no other case has, short enough for every client identifier.</summary>
    internal static string NewUnique() => Guid.NewGuid().ToString("N")[..12];

    public async ValueTask InitializeAsync()
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        _features = await Features.AskAsync(EndPoint, limit.Token);
    }

    public async ValueTask DisposeAsync()
    {
        if (Environment.GetEnvironmentVariable("ANTIPHON_RESULTS") is { Length: > 0 } path)
        {
            Results.WriteTo(path);
        }

        if (_ours is not null)
        {
            await _ours.DisposeAsync();
        }
    }

    private static DnsEndPoint Parse(string address)
    {
        var colon = address.LastIndexOf(':');
        return colon > 0 && ushort.TryParse(address.AsSpan(colon + 1), CultureInfo.InvariantCulture, out var port)
            ? new DnsEndPoint(address[..colon], port)
            : throw new FormatException($"ANTIPHON_BROKER is '{address}'; it has to be HOST:PORT.");
    }
}
