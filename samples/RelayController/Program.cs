// Switches the relay of samples/RelayDevice and says how it stands, or why nobody knows.

using Antiphon.Client;
using Antiphon.Rpc;

if (args is not [.., "on" or "off"])
{
    Console.Error.WriteLine("usage: RelayController [HOST [PORT]] on|off");
    return 2;
}

var host = args.Length > 1 ? args[0] : "localhost";
var port = args.Length > 2 ? int.Parse(args[1], System.Globalization.CultureInfo.InvariantCulture) : 1883;

await using var client = await MqttClient.ConnectAsync(host, port);
await using var requester = new Requester(client);
try
{
    var response = await requester.RequestAsync("device_1/relay_1", args[^1] == "on" ? "1" : "0");
    Console.WriteLine($"relay_1 is {response.Text}");
    return 0;
}
catch (NoResponderException)
{
    Console.WriteLine("device_1 is not there.");
}
catch (RequestTimeoutException timeout)
{
    Console.WriteLine($"device_1 did not answer within {timeout.Elapsed.TotalSeconds:0.0} s; how the relay stands is not known.");
}
catch (RemoteErrorException error)
{
    Console.WriteLine($"device_1 says: {error.StatusMessage}");
}

return 1;
