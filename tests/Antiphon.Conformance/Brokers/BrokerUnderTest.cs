using System.Globalization;
using System.Net;
using System.Reflection;
using Antiphon.Broker;
using Antiphon.Conformance.Brokers;

[assembly: AssemblyFixture(typeof(BrokerUnderTest))]
[assembly: CollectionBehavior(MaxParallelThreads = -1)]

namespace Antiphon.Conformance.Brokers;

/// <summary>
/// The broker that all cases share: the one at <c>ANTIPHON_BROKER</c> (HOST:PORT), else ours in this process.
/// Ours runs with its default options, and once more with others, for what the default options do not show.
/// With <c>ANTIPHON_RESULTS</c> the outcome of every case is written to that file, under the name <c>ANTIPHON_BROKER_NAME</c>.
/// </summary>
public sealed class BrokerUnderTest : IAsyncLifetime
{
    private readonly BrokerHost[] _ours = [];
    private readonly DnsEndPoint[] _endPoints;
    private Listener[] _listeners = [];

    public BrokerUnderTest()
    {
        if (Environment.GetEnvironmentVariable("ANTIPHON_BROKER") is { Length: > 0 } address)
        {
            _endPoints = [Parse(address)];
        }
        else
        {
            var usual = new BrokerOptions { Port = 0 };
            var guard = new Guard();
            var other = usual with
            {
                MaximumQoS = Protocol.QualityOfService.AtLeastOnce,
                RetainAvailable = false,
                MaximumClientIdLength = 23,
                Authenticator = guard,
                AuthenticationMethods = [guard],
                AllowAnonymous = true,
            };
            _ours = [BrokerHost.Start(usual), BrokerHost.Start(other)];
            _endPoints = [.. _ours.Select(broker => new DnsEndPoint("127.0.0.1", broker.Port))];
        }
    }

    /// <summary>Where it listens, with what it says of itself there; the usual place first.</summary>
    internal IReadOnlyList<Listener> Listeners => _listeners;

    /// <summary>Whether it is ours, in this process.</summary>
    internal bool IsOurs => _ours.Length > 0;

    /// <summary>The usual place.</summary>
    internal DnsEndPoint EndPoint => _endPoints[0];

    /// <summary>What the broker says of itself at the usual place.</summary>
    internal Features Features => _listeners[0].Features;

    internal Results Results { get; } = new();

    private static string Name => Environment.GetEnvironmentVariable("ANTIPHON_BROKER_NAME") is { Length: > 0 } name
        ? name
        : Environment.GetEnvironmentVariable("ANTIPHON_BROKER") is { Length: > 0 } address ? address : $"Antiphon {OwnVersion()}";

    /// <summary>Letters and digits that no other case has, short enough for every client identifier.</summary>
    internal static string NewUnique() => Guid.NewGuid().ToString("N")[..12];

    public async ValueTask InitializeAsync()
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        _listeners = await Task.WhenAll(
            _endPoints.Select(async endPoint => new Listener(endPoint, await Features.AskAsync(endPoint, limit.Token))));
    }

    public async ValueTask DisposeAsync()
    {
        if (Environment.GetEnvironmentVariable("ANTIPHON_RESULTS") is { Length: > 0 } path)
        {
            Results.WriteTo(path, Name);
        }

        foreach (var broker in _ours)
        {
            await broker.DisposeAsync();
        }
    }

    /// <summary>Our version and the first digits of the commit that was built last, where the build knows it.</summary>
    private static string OwnVersion()
    {
        var told = typeof(BrokerHost).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>();
        var parts = told?.InformationalVersion.Split('+') ?? ["of no version"];
        return parts is [var version, { Length: > 7 } commit] ? $"{version}+{commit[..7]}" : parts[0];
    }

    private static DnsEndPoint Parse(string address)
    {
        var colon = address.LastIndexOf(':');
        return colon > 0 && ushort.TryParse(address.AsSpan(colon + 1), CultureInfo.InvariantCulture, out var port)
            ? new DnsEndPoint(address[..colon], port)
            : throw new FormatException($"ANTIPHON_BROKER is '{address}'; it has to be HOST:PORT.");
    }
}
