// A sensor that is asked for a reading when somebody wants one. It does not publish one every minute whether or not anybody looks.
// Requests and responses are JSON.
//
//   dotnet run --project src/Antiphon.Cli -- broker
//   dotnet run --project samples/ReadingOnDemand [HOST [PORT]]

using Antiphon.Client;
using Antiphon.Rpc;

var host = args.Length > 0 ? args[0] : "localhost";
var port = args.Length > 1 ? int.Parse(args[1], System.Globalization.CultureInfo.InvariantCulture) : 1883;

// The sensor. Its Session ends with its connection, so that nobody waits for a sensor that has gone.
await using var sensor = await MqttClient.ConnectAsync(
    new MqttClientOptions { Host = host, Port = port, SessionExpiry = TimeSpan.Zero });
await using var responder = new Responder(sensor);
var readings = 0;
await responder.RespondAsync<ReadingRequest, Reading>("greenhouse/sensor_7/reading", (asked, _) =>
{
    var celsius = 21.5 + (Interlocked.Increment(ref readings) * 0.25);
    return asked?.Unit switch
    {
        "celsius" => new Reading(celsius, asked.Unit),
        "fahrenheit" => new Reading((celsius * 9 / 5) + 32, asked.Unit),
        _ => throw new ReplyException(400, $"There is no unit {asked?.Unit}; ask for celsius or fahrenheit."),
    };
});

// Whoever wants to know.
await using var client = await MqttClient.ConnectAsync(host, port);
await using var requester = new Requester(client);
foreach (var unit in new[] { "celsius", "fahrenheit", "furlongs" })
{
    try
    {
        var reading = await requester.RequestAsync<ReadingRequest, Reading>("greenhouse/sensor_7/reading", new ReadingRequest(unit));
        Console.WriteLine(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{reading?.Value} {reading?.Unit}"));
    }
    catch (RemoteErrorException error)
    {
        Console.WriteLine($"error {error.Status}: {error.StatusMessage}");
    }
}

internal sealed record ReadingRequest(string Unit);

internal sealed record Reading(double Value, string Unit);
