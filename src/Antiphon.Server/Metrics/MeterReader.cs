using System.Diagnostics.Metrics;
using System.Globalization;
using System.Text;

namespace Antiphon.Server.Metrics;

/// <summary>
/// Reads the observable instruments of some meters and writes them in the text format of Prometheus, version 0.0.4. It reads the meters of
/// one server, told apart by identity, also where a process has several. Safe from any thread.
/// </summary>
internal sealed class MeterReader : IDisposable
{
    internal const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    /// <summary>What the base library tells of the process.</summary>
    private const string Runtime = "System.Runtime";

    private readonly MeterListener _listener = new();
    private readonly Lock _reading = new();
    private readonly SortedDictionary<string, Family> _families = new(StringComparer.Ordinal);

    /// <summary>Reads some meters, and what the base library tells of the process.</summary>
    /// <param name="meters">The meters.</param>
    public MeterReader(IReadOnlyCollection<Meter> meters)
    {
        _listener.InstrumentPublished = (instrument, listening) =>
        {
            if (instrument.IsObservable && (meters.Contains(instrument.Meter) || instrument.Meter.Name == Runtime))
            {
                listening.EnableMeasurementEvents(instrument);
            }
        };
        _listener.SetMeasurementEventCallback<int>((instrument, value, tags, _) => Add(instrument, value, tags));
        _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Add(instrument, value, tags));
        _listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Add(instrument, value, tags));
        _listener.Start();
    }

    /// <summary>All figures as they are now.</summary>
    public byte[] Read()
    {
        lock (_reading)
        {
            _families.Clear();
            _listener.RecordObservableInstruments();
            var text = new StringBuilder();
            foreach (var (name, family) in _families)
            {
                text.Append(CultureInfo.InvariantCulture, $"# HELP {name} {EscapeHelp(family.Help)}\n");
                text.Append(CultureInfo.InvariantCulture, $"# TYPE {name} {(family.IsCounter ? "counter" : "gauge")}\n");
                family.Samples.ForEach(sample => text.Append(name).Append(sample).Append('\n'));
            }

            return Encoding.UTF8.GetBytes(text.ToString());
        }
    }

    public void Dispose() => _listener.Dispose();

    /// <summary>The name of an instrument by Prometheus's convention: with its unit, and <c>_total</c> where it only grows.</summary>
    internal static string NameOf(Instrument instrument)
    {
        var name = Sanitize(instrument.Name);
        var unit = instrument.Unit switch
        {
            "By" => "bytes",
            "s" => "seconds",
            "1" => "ratio",
            _ => "",
        };
        if (unit.Length > 0 && !name.EndsWith($"_{unit}", StringComparison.Ordinal))
        {
            name += $"_{unit}";
        }

        return IsCounter(instrument) ? $"{name}_total" : name;
    }

    private static bool IsCounter(Instrument instrument) =>
        instrument is ObservableCounter<long> or ObservableCounter<double> or ObservableCounter<int>;

    private static string Sanitize(string name) =>
        string.Concat(name.Select(c => char.IsAsciiLetterOrDigit(c) || c == '_' ? c : '_'));

    private static string EscapeHelp(string text) =>
        text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);

    private static string EscapeLabel(string text) => EscapeHelp(text).Replace("\"", "\\\"", StringComparison.Ordinal);

    private void Add<T>(Instrument instrument, T value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
        where T : IFormattable
    {
        var name = NameOf(instrument);
        if (!_families.TryGetValue(name, out var family))
        {
            _families.Add(name, family = new Family(instrument.Description ?? "", IsCounter(instrument), []));
        }

        var labels = new StringBuilder();
        foreach (var (key, label) in tags)
        {
            labels.Append(labels.Length == 0 ? '{' : ',')
                .Append(CultureInfo.InvariantCulture, $"{Sanitize(key)}=\"{EscapeLabel($"{label}")}\"");
        }

        family.Samples.Add($"{labels}{(labels.Length == 0 ? "" : "}")} {value.ToString(null, CultureInfo.InvariantCulture)}");
    }

    private sealed record Family(string Help, bool IsCounter, List<string> Samples);
}
