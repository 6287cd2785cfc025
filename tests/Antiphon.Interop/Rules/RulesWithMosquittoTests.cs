using Antiphon.Interop.Libraries;
using Antiphon.Interop.Mosquitto;
using Antiphon.Protocol;
using Antiphon.Rpc;
using Antiphon.Tests.Running;

namespace Antiphon.Interop.Rules;

/// <summary>Debian's client programs may do what the rules allow, and nothing else. They do not speak WebSocket.</summary>
public sealed class RulesWithMosquittoTests(RuledBroker broker)
{
    /// <summary>Each way and version tries another fourth of the topics to publish to, since each costs a process.</summary>
    public static TheoryData<Visitor, Way, ProtocolVersion, int> Everybody
    {
        get
        {
            var data = new TheoryData<Visitor, Way, ProtocolVersion, int>();
            foreach (var visitor in Enum.GetValues<Visitor>())
            {
                (Way, ProtocolVersion)[] each =
                [
                    .. from way in (Way[])[Way.Tcp, Way.Tls]
                       where visitor != Visitor.Device || way != Way.Tcp
                       from version in (ProtocolVersion[])[ProtocolVersion.V311, ProtocolVersion.V5]
                       select (way, version),
                ];
                for (var part = 0; part < each.Length; part++)
                {
                    data.Add(visitor, each[part].Item1, each[part].Item2, part);
                }
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Everybody))]
    public async Task Mosquitto_sub_and_mosquitto_pub_may_do_what_the_rules_allow(
        Visitor visitor, Way way, ProtocolVersion version, int part)
    {
        var how = broker.Invite(visitor, "mosquitto", way, version);
        Attempt[] attempts = [.. RuleTable.Attempts(visitor, how.ClientId)];
        Attempt[] subscriptions = [.. attempts.Where(attempt => attempt.Subscribes)];
        await using (var sub = Peer.StartLineByLine(
            "mosquitto_sub", [.. At(how, way), "-d", "-q", "1", .. subscriptions.SelectMany(attempt => (string[])["-t", attempt.Topic])]))
        {
            var granted = (await sub.OutputLineAsync("Subscribed (mid")).Split(": ")[^1].Split(", ");
            var refused = version == ProtocolVersion.V5 ? "135" : "128";
            Assert.Equal(
                subscriptions.Select(attempt => (attempt.Topic, attempt.IsAllowed ? "1" : refused)),
                subscriptions.Zip(granted, (attempt, code) => (attempt.Topic, code)));
        }

        Attempt[] messages = [.. attempts.Where((attempt, index) => attempt.Permission == "publish" && index % 4 == part)];
        Assert.NotEmpty(messages);
        foreach (var attempt in messages)
        {
            var end = await PublishAsync(how, way, attempt.Topic);
            Assert.Equal(
                (attempt.Topic, version == ProtocolVersion.V5 && !attempt.IsAllowed),
                (attempt.Topic, end.Errors.Contains("Not authorized", StringComparison.Ordinal)));
        }

        await PublishAsync(how, way, "end/it");
        Assert.Equal(
            messages.Where(attempt => attempt.IsAllowed).Select(attempt => attempt.Topic),
            await broker.HeardUntilAsync(how.ClientId, "end/it"));
    }

    [Theory]
    [InlineData(Visitor.Anonymous, Way.Tcp, "request/anonymous", "request/operators")]
    [InlineData(Visitor.Ann, Way.Tcp, "request/operators", "request/anonymous")]
    [InlineData(Visitor.Bob, Way.Tls, "request/bob", "request/barred")]
    [InlineData(Visitor.Tess, Way.Tls, "request/site/north", "request/site/south")]
    [InlineData(Visitor.Device, Way.Tls, "request/user/device-7", "request/user/device-8")]
    public async Task Mosquitto_rr_is_answered_where_it_may_ask(Visitor visitor, Way way, string allowed, string denied)
    {
        await using var responder = new Responder(broker.Watcher);
        foreach (var topic in (string[])[allowed, denied])
        {
            await responder.RespondAsync(
                topic, request => $"{request.Text} for {visitor}", cancellationToken: TestContext.Current.CancellationToken);
        }

        var how = broker.Invite(visitor, "rr", way, ProtocolVersion.V5);
        var answered = await Peer.RunAsync("mosquitto_rr", Asking(allowed));
        Assert.Equal((0, $"question for {visitor}\n"), (answered.ExitCode, answered.Output));

        // It would wait for an answer all the same; only what it says of each packet tells of the refusal.
        await using var refused = Peer.StartLineByLine("mosquitto_rr", [.. Asking(denied), "-d"]);
        await refused.OutputLineAsync("RC:135");

        string[] Asking(string topic) =>
            [.. At(how, way), "-q", "1", "-t", topic, "-e", $"subscribe/client/{how.ClientId}", "-m", "question", "-W", "20"];
    }

    private Task<Ending> PublishAsync(Connecting how, Way way, string topic) =>
        Peer.RunAsync("mosquitto_pub", [.. At(how, way), "-q", "1", "-t", topic, "-m", how.ClientId]);

    private string[] At(Connecting how, Way way)
    {
        List<string> arguments =
        [
            "-V", how.Version == ProtocolVersion.V5 ? "5" : "311", "-h", "127.0.0.1", "-p", $"{broker.PortOf(way)}", "-i", how.ClientId,
        ];
        if (how.CaFile is not null)
        {
            arguments.AddRange(["--cafile", how.CaFile]);
        }

        if (how.Own is var (certificate, key))
        {
            arguments.AddRange(["--cert", certificate, "--key", key]);
        }

        if (how.UserName is not null)
        {
            arguments.AddRange(["-u", how.UserName, "-P", how.Password!]);
        }

        return [.. arguments];
    }
}
