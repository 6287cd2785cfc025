using System.Globalization;
using Antiphon.Broker;
using Antiphon.Interop.Libraries;
using Antiphon.Interop.Mosquitto;

[assembly: AssemblyFixture(typeof(Peers))]

namespace Antiphon.Interop.Libraries;

/// <summary>The programs and brokers that all scenarios share, each started when first asked for.</summary>
public sealed class Peers : IAsyncDisposable
{
    /// <summary>How long a test waits for anything before it fails.</summary>
    internal static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly Lazy<Task<PeerProcess>> _paho = new(Programs.StartPahoAsync);
    private readonly Lazy<PeerProcess> _mqttJs = new(Programs.StartMqttJs);
    private readonly Lazy<Task<string>> _pahoC = new(Programs.BuildPahoCAsync);
    private readonly Lazy<BrokerHost> _antiphon = new(() => BrokerHost.Start(new BrokerOptions { Port = 0 }));
    private readonly Lazy<Task<MosquittoBroker>> _mosquitto = new(() => MosquittoBroker.StartAsync());
    private long _lastNumber;

    /// <summary>A number that nobody else has.</summary>
    internal string NextNumber() => Interlocked.Increment(ref _lastNumber).ToString(CultureInfo.InvariantCulture);

    /// <summary>
    /// Where the scenarios of a library take place: other libraries meet our broker, our client meets Debian's.
    /// With ANTIPHON_INTEROP_MIDDLE all of them meet the same broker. That tells a fault of the broker from one of the scenario.
    /// </summary>
    internal static Middle MiddleFor(Library library) =>
        Environment.GetEnvironmentVariable("ANTIPHON_INTEROP_MIDDLE") is { Length: > 0 } middle
            ? Enum.Parse<Middle>(middle, ignoreCase: true)
            : library == Library.Antiphon ? Middle.Mosquitto : Middle.Antiphon;

    internal async Task<int> PortOfAsync(Middle middle) => middle == Middle.Antiphon ? _antiphon.Value.Port : (await _mosquitto.Value).Port;

    internal async Task<IPeerClient> NewClientAsync(Library library) => library switch
    {
        Library.Paho => new ProcessClient(await _paho.Value, NextNumber(), ownsProcess: false),
        Library.MqttJs => new ProcessClient(_mqttJs.Value, NextNumber(), ownsProcess: false),
        Library.PahoC => new ProcessClient(PeerProcess.Start(await _pahoC.Value), NextNumber(), ownsProcess: true),
        _ => new OwnClient(),
    };

    public async ValueTask DisposeAsync()
    {
        if (_paho.IsValueCreated && _paho.Value.IsCompletedSuccessfully)
        {
            await (await _paho.Value).DisposeAsync();
        }

        if (_mqttJs.IsValueCreated)
        {
            await _mqttJs.Value.DisposeAsync();
        }

        if (_antiphon.IsValueCreated)
        {
            await _antiphon.Value.DisposeAsync();
        }

        if (_mosquitto.IsValueCreated && _mosquitto.Value.IsCompletedSuccessfully)
        {
            await (await _mosquitto.Value).DisposeAsync();
        }
    }
}
