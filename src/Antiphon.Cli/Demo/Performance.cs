using System.Globalization;
using Antiphon.Cli.Output;
using Antiphon.Rpc;

namespace Antiphon.Cli.Demo;

/// <summary>What the demo does, scene by scene. It throws when something else happens than what it is there to show.</summary>
internal sealed class Performance(Stage stage, Page page, TimeProvider time)
{
    private readonly SequencePicture _picture = new(stage.Journey);

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var started = time.GetTimestamp();
        page.Heading("Antiphon: request and response over MQTT 5");
        page.Text($"A broker listens on mqtt://{stage.Broker.EndPoint}, in this process, on a real socket.");
        page.Text(
            $"device_1 is a simulated device with a 3.3 V relay; it answers requests on {Stage.RelayTopic}. "
            + "controller switches the relay.");
        page.Text(
            "Between the broker and each of the two stands a tap that notes every packet; "
            + "the times are those at which a packet passed it.");

        await ConnectAsync(cancellationToken);
        await SwitchAsync(cancellationToken);
        await TellApartAsync(cancellationToken);
        await AskNobodyAsync(cancellationToken);
        await AskTooSlowAsync(cancellationToken);

        page.Heading("The end");
        page.Text(
            string.Create(
                CultureInfo.InvariantCulture,
                $"All of that took {time.GetElapsedTime(started).TotalSeconds:0.0} s. Now by yourself, each in a terminal of its own:"));
        page.Text("  antiphon broker");
        page.Text($"  antiphon reply {Stage.RelayTopic} --body \"relay_1 is on\"");
        page.Text($"  antiphon request {Stage.RelayTopic} 1");
    }

    private async Task ConnectAsync(CancellationToken cancellationToken)
    {
        page.Heading("1. Both connect, and the device subscribes to its request topic");
        await DrawAsync(cancellationToken);
        page.Text(stage.Controller.Server?.ResponseInformation is { } information
            ? $"The broker's CONNACK gave the controller Response Information: {information}. Only the controller may subscribe below it."
            : "The broker's CONNACK held no Response Information; the controller chooses a Response Topic by itself.");
    }

    private async Task SwitchAsync(CancellationToken cancellationToken)
    {
        page.Heading($"2. Switch the relay on: await requester.RequestAsync(\"{Stage.RelayTopic}\", \"1\")");
        var on = await stage.Requester.RequestAsync(Stage.RelayTopic, "1", null, cancellationToken);
        await DrawAsync(cancellationToken);
        page.Text($"{Describe(on)}. The relay is {(stage.Relay.IsOn ? "on" : "off")}.");
        page.Text("The first exchange is slow because the program's code is loaded on its way; the next is not.");
        page.Text(
            "A PUBACK only says that the message reached the other end of one connection. The response says that the relay has moved.");
        Require(stage.Relay.IsOn, "the relay is on");

        page.Heading($"3. Switch it off again: await requester.RequestAsync(\"{Stage.RelayTopic}\", \"0\")");
        var off = await stage.Requester.RequestAsync(Stage.RelayTopic, "0", null, cancellationToken);
        await DrawAsync(cancellationToken);
        page.Text(
            $"{Describe(off)}. The relay is {(stage.Relay.IsOn ? "on" : "off")}. "
            + "The subscription to the Response Topic was there already.");
        Require(!stage.Relay.IsOn, "the relay is off");
    }

    private async Task TellApartAsync(CancellationToken cancellationToken)
    {
        page.Heading("4. Three requests at once: one Response Topic, told apart by their Correlation Data");
        string[] payloads = ["1", "half", "0"];
        var requests = payloads.Select(async payload =>
        {
            try
            {
                var response = await stage.Requester.RequestAsync(Stage.RelayTopic, payload, null, cancellationToken);
                return (response.CorrelationData, Outcome: $"response      {PayloadText.Describe(response.Payload.Span)}");
            }
            catch (RemoteErrorException e)
            {
                return (e.CorrelationData, Outcome: $"remote error  {e.Status}: {e.StatusMessage}");
            }
        }).ToList();
        for (var i = 0; i < payloads.Length; i++)
        {
            var (correlationData, outcome) = await requests[i];
            page.Text($"request {$"\"{payloads[i]}\"",-7} {PropertyPair.Hex(correlationData)}  {outcome}");
        }

        await stage.Journey.TakeAsync(cancellationToken);
    }

    private async Task AskNobodyAsync(CancellationToken cancellationToken)
    {
        const string Topic = "device_2/relay_1";
        page.Heading($"5. Nobody listens: await requester.RequestAsync(\"{Topic}\", \"1\")");
        try
        {
            await stage.Requester.RequestAsync(Topic, "1", null, cancellationToken);
            Require(false, "nobody answers");
        }
        catch (NoResponderException e)
        {
            await DrawAsync(cancellationToken);
            page.Text($"NoResponderException after {Milliseconds(e.Elapsed)}: {e.Message}");
            page.Text("The broker said so in its PUBACK, so that nobody has to wait for a timeout.");
        }
    }

    private async Task AskTooSlowAsync(CancellationToken cancellationToken)
    {
        var timeout = TimeSpan.FromMilliseconds(400);
        page.Heading($"6. The device is too slow: the relay is stuck, and the request may take {Milliseconds(timeout)}");
        stage.Relay.IsStuck = true;
        try
        {
            await stage.Requester.RequestAsync(Stage.RelayTopic, "1", new RequestOptions { Timeout = timeout }, cancellationToken);
            Require(false, "the answer is late");
        }
        catch (RequestTimeoutException e)
        {
            await DrawAsync(cancellationToken);
            page.Text($"RequestTimeoutException after {Milliseconds(e.Elapsed)}, progress {e.Progress}: {e.Message}");
            page.Text("The request reached the broker; whether the relay has moved, or will, the controller cannot know.");
        }
    }

    private async Task DrawAsync(CancellationToken cancellationToken)
    {
        page.Picture(_picture.Draw(await stage.Journey.TakeAsync(cancellationToken)));
        page.Text("");
    }

    private static string Describe(Response response) =>
        $"Answered in {Milliseconds(response.Elapsed)}: {PayloadText.Describe(response.Payload.Span)}";

    private static string Milliseconds(TimeSpan elapsed) =>
        string.Create(CultureInfo.InvariantCulture, $"{elapsed.TotalMilliseconds:0.00} ms");

    private static void Require(bool holds, string what)
    {
        if (!holds)
        {
            throw new InvalidOperationException($"The demo expected that {what}; it did not come out like that.");
        }
    }
}
