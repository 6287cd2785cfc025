// Three responders share the requests of one topic: each request goes to one of them, and its response comes back to whoever asked.
//
//   dotnet run --project src/Antiphon.Cli -- broker
//   dotnet run --project samples/LoadSharedResponders [HOST [PORT]]

using System.Collections.Concurrent;
using Antiphon.Client;
using Antiphon.Rpc;

var host = args.Length > 0 ? args[0] : "localhost";
var port = args.Length > 1 ? int.Parse(args[1], System.Globalization.CultureInfo.InvariantCulture) : 1883;

// Each worker has a connection of its own, as if it ran on a machine of its own. Its Session ends with the connection,
// so that no request waits for a worker that has gone.
await using var worker1 = await StartWorkerAsync("worker 1");
await using var worker2 = await StartWorkerAsync("worker 2");
await using var worker3 = await StartWorkerAsync("worker 3");

await using var client = await MqttClient.ConnectAsync(host, port);
await using var requester = new Requester(client);
var answers = new ConcurrentDictionary<string, int>();
await Parallel.ForAsync(0, 30, async (number, cancellationToken) =>
{
    var response = await requester.RequestAsync("squares", $"{number}", null, cancellationToken);
    if (!response.Text.StartsWith($"{number * number} ", StringComparison.Ordinal))
    {
        throw new InvalidOperationException($"{number} was answered with {response.Text}.");
    }

    answers.AddOrUpdate(response.Text.Split(" from ")[1], 1, (_, count) => count + 1);
});
foreach (var (worker, count) in answers.OrderBy(answer => answer.Key))
{
    Console.WriteLine($"{worker} answered {count} of 30 requests");
}

async Task<MqttClient> StartWorkerAsync(string name)
{
    var connection = await MqttClient.ConnectAsync(
        new MqttClientOptions { Host = host, Port = port, SessionExpiry = TimeSpan.Zero });
    var responder = new Responder(connection);
    await responder.RespondAsync(
        "squares",
        request =>
        {
            var number = int.Parse(request.Text, System.Globalization.CultureInfo.InvariantCulture);
            return $"{number * number} from {name}";
        },
        new RespondOptions { ShareName = "workers" });
    return connection;
}
