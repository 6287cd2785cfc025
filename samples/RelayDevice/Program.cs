// A device with a relay that is switched by request: the payload 1 closes it, 0 opens it, and the response says how it stands.
//
//   dotnet run --project src/Antiphon.Cli -- broker
//   dotnet run --project samples/RelayDevice [HOST [PORT]]
//   dotnet run --project samples/RelayController [HOST [PORT]] on

using System.Runtime.InteropServices;
using Antiphon.Client;
using Antiphon.Rpc;

var host = args.Length > 0 ? args[0] : "localhost";
var port = args.Length > 1 ? int.Parse(args[1], System.Globalization.CultureInfo.InvariantCulture) : 1883;
var isOn = false;

// The Session ends with the connection: once the device has gone, whoever asks hears at once that nobody is there.
await using var client = await MqttClient.ConnectAsync(
    new MqttClientOptions { Host = host, Port = port, SessionExpiry = TimeSpan.Zero });
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

// Ctrl-C, or SIGTERM from a service manager: requests that have come are still answered.
var end = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
using var interrupted = PosixSignalRegistration.Create(PosixSignal.SIGINT, End);
using var terminated = PosixSignalRegistration.Create(PosixSignal.SIGTERM, End);
Console.WriteLine("relay_1 waits for requests; Ctrl-C ends it.");
await end.Task;

void End(PosixSignalContext signal)
{
    signal.Cancel = true;
    end.TrySetResult();
}
