using System.Diagnostics.Metrics;
using Antiphon.Broker.Metrics;

namespace Antiphon.Broker.Tests.Metrics;

public sealed class BrokerMeterTests
{
    [Fact]
    public void Every_figure_of_the_broker_is_a_metric()
    {
        var broker = new HandTurnedBroker();
        using var meter = new BrokerMeter(broker.Engine);

        // Each counter gets a value of its own, and each value has to come out.
        var fields = typeof(EngineCounters).GetFields();
        for (var i = 0; i < fields.Length; i++)
        {
            fields[i].SetValue(broker.Engine.Counters, 1000L + i);
        }

        var measured = Measure(meter.Meter).Select(measurement => measurement.Value).ToHashSet();

        var missing = fields.Where((_, i) => !measured.Contains(1000L + i)).Select(field => field.Name);
        Assert.Equal([nameof(EngineCounters.MaximumConnectedClients)], missing);
    }

    [Fact]
    public void Names_are_unique_and_say_their_unit_and_what_they_are()
    {
        var broker = new HandTurnedBroker();
        using var meter = new BrokerMeter(broker.Engine);

        var measured = Measure(meter.Meter).ToList();

        Assert.Equal(measured.Count, measured.DistinctBy(one => (one.Instrument.Name, one.Tags)).Count());
        Assert.All(measured, one =>
        {
            Assert.StartsWith("antiphon.", one.Instrument.Name, StringComparison.Ordinal);
            Assert.True(one.Instrument.Unit is "By" or ['{', .., '}'], one.Instrument.Unit);
            Assert.EndsWith(".", one.Instrument.Description, StringComparison.Ordinal);
        });
    }

    private static List<(Instrument Instrument, long Value, string Tags)> Measure(Meter meter)
    {
        var measured = new List<(Instrument, long, string)>();
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, listening) =>
        {
            if (instrument.Meter == meter)
            {
                listening.EnableMeasurementEvents(instrument);
            }
        };
        listener.SetMeasurementEventCallback<long>(
            (instrument, value, tags, _) => measured.Add((instrument, value, string.Join(',', tags.ToArray()))));
        listener.Start();
        listener.RecordObservableInstruments();
        return measured;
    }
}
