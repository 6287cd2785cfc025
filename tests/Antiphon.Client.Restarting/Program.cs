// Publishes the numbers up to LAST, of four digits each, through a Session in a file. It is made to be killed and started again:
//
//   Antiphon.Client.Restarting PORT TOPIC QOS FILE AFTER LAST [STEP]
//
// AFTER is the last number that earlier runs have said to be stored. The numbers up to it are not published anew,
// nor is what the file still holds.
// Each step is printed before the next one is taken: «storing 0001», «stored 0001», «releasing 0001» and so on,
// as ISessionStore is asked, and «done 0001» when PublishAsync has completed. STEP is such a line; there everything stops.

using System.Globalization;
using System.Text;
using Antiphon.Client;
using Antiphon.Client.Restarting;
using Antiphon.Protocol;

// How far the numbers run ahead of the acknowledgements.
const int Window = 8;

var qos = (QualityOfService)int.Parse(args[2], CultureInfo.InvariantCulture);
var after = int.Parse(args[4], CultureInfo.InvariantCulture);
var last = int.Parse(args[5], CultureInfo.InvariantCulture);
using var file = new FileSessionStore(args[3]);
var store = new TellingStore(file, stopAt: args.Length > 6 ? args[6] : null);
var options = new MqttClientOptions
{
    Host = "127.0.0.1",
    Port = int.Parse(args[0], CultureInfo.InvariantCulture),
    ClientId = "restarting",
    CleanStart = false,
    SessionStore = store,
};

await using (var client = await MqttClient.ConnectAsync(options))
{
    Console.WriteLine($"connected, Session {(client.Server!.SessionPresent ? "resumed" : "new")}");
    var publishing = new Queue<(string Number, Task Publish)>();
    async Task EndOldestAsync()
    {
        var (number, publish) = publishing.Dequeue();
        await publish;
        Console.WriteLine($"done {number}");
    }

    for (var next = Math.Max(after, store.LastKept) + 1; next <= last; next++)
    {
        if (publishing.Count == Window)
        {
            await EndOldestAsync();
        }

        var number = next.ToString("0000", CultureInfo.InvariantCulture);
        var message = new ApplicationMessage { Topic = args[1], Payload = Encoding.ASCII.GetBytes(number), QoS = qos };
        publishing.Enqueue((number, client.PublishAsync(message).AsTask()));
    }

    while (publishing.Count > 0)
    {
        await EndOldestAsync();
    }
}

var left = file.Load()!;
Console.WriteLine($"left {left.Publishes.Count + left.Released.Count}");
