// A device with a relay that is switched by request: the payload 1 closes it, 0 opens it, and the response says how it stands.
//
//   dotnet run --project src/Antiphon.Cli -- broker
//   dotnet run --project samples/RelayDevice [HOST [PORT]]
//   dotnet run --project samples/RelayController [HOST [PORT]] on

using Antiphon.Client;
using Antiphon.Rpc;

var host = args.Length > 0 ? args[0] : "localhost";
var port = args.Length > 1 ? int.Parse(args[1], System.Globalization.CultureInfo.InvariantCulture) : 1883;
var isOn = false;

await using var client = await MqttClient.ConnectAsync(host, port);
await using var responder = new Responder(client);
await responder.RespondAsync("device_1/relay_1", request =>
{
    if (request.Text is not ("0" or "1"))
    {
        return Reply.Error(400, "Send 1 or 0.");
    }

    isOn = request.Text == "1";
    Console.WriteLine($"relay_1: {(isOn ? "3.3 V" : "0.0 V")}");
    return isOn ? "on" : "off";
});
Console.WriteLine("relay_1 waits for requests; Ctrl-C ends it.");

var end = new TaskCompletionSource();
Console.CancelKeyPress += (_, pressed) =>
{
    pressed.Cancel = true;
    end.TrySetResult();
};
await end.Task;
