using System.Text;
using System.Text.Json;
using Antiphon.Broker;
using Antiphon.Broker.Exchanges;
using Antiphon.Protocol;
using Antiphon.Rpc;
using Antiphon.Server.Auditing;
using Antiphon.Server.Tests.Peers;
using Antiphon.Server.Tests.Reloading;

namespace Antiphon.Server.Tests.Auditing;

public sealed class AuditLogTests : IDisposable
{
    private readonly CertificateFolder _folder = new();
    private readonly RecordedLog _log = new();
    private readonly HandClock _clock = new();

    private string FileName => _folder.PathOf("audit.jsonl");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_call_through_a_server_is_a_line_with_who_asked_whom_and_what_came_of_it()
    {
        var options = Servers.Options(Servers.Listener(ListenerProtocol.Mqtt)) with { Audit = new AuditOptions { File = FileName } };
        await using (var server = await ServerHost.StartAsync(options, Servers.Ending))
        {
            await using var device = await Servers.ConnectAsync(server, clientId: "device");
            await using var responder = new Responder(device);
            await responder.RespondAsync("relay", _ => Reply.Error(404, "No relay."), cancellationToken: Servers.Ending);
            await using var panel = await Servers.ConnectAsync(server, clientId: "panel");
            await using var requester = new Requester(panel);
            await Assert.ThrowsAsync<RemoteErrorException>(
                async () => await requester.RequestAsync("relay", "1", cancellationToken: Servers.Ending));
            await Assert.ThrowsAsync<NoResponderException>(
                async () => await requester.RequestAsync("nobody", "1", cancellationToken: Servers.Ending));
        }

        var lines = Lines();
        Assert.Equal(["answered", "no-responders"], lines.Select(line => line.GetProperty("outcome").GetString()));
        var answered = lines[0];
        Assert.Equal(
            ("relay", "panel", "device", 404),
            (Text("topic"), Text("client"), Text("responder"), answered.GetProperty("status").GetInt32()));
        Assert.StartsWith("127.0.0.1:", Text("address"), StringComparison.Ordinal);
        Assert.StartsWith("$reply/", Text("responseTopic"), StringComparison.Ordinal);
        Assert.Equal((32, 1), (Text("correlation").Length, answered.GetProperty("bytes").GetInt32()));
        Assert.InRange(answered.GetProperty("queuedMs").GetDouble(), 0, answered.GetProperty("totalMs").GetDouble());
        Assert.False(answered.TryGetProperty("payload", out _));
        Assert.Equal(("nobody", "panel"), (lines[1].GetProperty("topic").GetString(), lines[1].GetProperty("client").GetString()));
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(FileName));
        }

        string Text(string name) => answered.GetProperty(name).GetString()!;
    }

    [Fact]
    public async Task Only_the_topics_that_are_asked_for_are_logged_and_payloads_only_where_they_are()
    {
        await using (var log = Start(audit => audit with { Topics = ["a/+", "b"] }))
        {
            Tell(log, "a/1");
            Tell(log, "a/1/2");
            Tell(log, "b");
            log.Renew(new AuditOptions { File = FileName, Topics = ["#"], Payloads = true });
            Tell(log, "c", payload: [0xFF]);
            Tell(log, "d", payload: "text"u8.ToArray());
        }

        var lines = Lines();
        Assert.Equal(["a/1", "b", "c", "d"], lines.Select(line => line.GetProperty("topic").GetString()));
        Assert.False(lines[1].TryGetProperty("payload", out _));
        Assert.Equal("/w==", lines[2].GetProperty("payloadBase64").GetString());
        Assert.Equal("text", lines[3].GetProperty("payload").GetString());
        Assert.Equal("answer", lines[3].GetProperty("responsePayload").GetString());
    }

    [Fact]
    public void Every_outcome_has_a_word_of_its_own() =>
        Assert.Equal(Enum.GetValues<ExchangeEnd>().Length, Enum.GetValues<ExchangeEnd>().Select(AuditLine.WordOf).Distinct().Count());

    [Fact]
    public async Task A_refusal_tells_its_reason_code()
    {
        await using (var log = Start())
        {
            Tell(log, "t", new ExchangeOutcome { End = ExchangeEnd.Refused, ReasonCode = ReasonCode.NotAuthorized });
        }

        var line = Assert.Single(Lines());
        Assert.Equal(("0x87", "NotAuthorized"), (line.GetProperty("code").GetString(), line.GetProperty("reason").GetString()));
    }

    [Theory]
    [InlineData(3)]
    [InlineData(0)]
    public async Task A_full_file_is_put_aside_and_so_many_are_kept(int keep)
    {
        await using (var log = Start(audit => audit with { MaximumBytes = 65_536, Keep = keep, Payloads = true }))
        {
            for (var i = 0; i < 40; i++)
            {
                Tell(log, $"t/{i}", payload: Encoding.ASCII.GetBytes(new string('x', 20_000)));
            }
        }

        var files = Directory.GetFiles(_folder.PathOf(""), "audit.jsonl*").Order(StringComparer.Ordinal).ToArray();
        Assert.Equal(keep + 1, files.Length);
        Assert.All(files, file => Assert.InRange(new FileInfo(file).Length, 1, 65_536 + 65_536));

        // All lines are whole, and the youngest are there, in order.
        var topics = files.Reverse()
            .SelectMany(File.ReadAllLines)
            .Select(line => JsonDocument.Parse(line).RootElement.GetProperty("topic").GetString()!);
        var numbers = topics.Select(topic => int.Parse(topic[2..], System.Globalization.CultureInfo.InvariantCulture)).ToArray();
        Assert.Equal(Enumerable.Range(40 - numbers.Length, numbers.Length), numbers);
    }

    [Fact]
    public async Task A_full_disk_is_said_once_and_counted_and_it_goes_on_when_there_is_room()
    {
        Assert.SkipUnless(File.Exists("/dev/full"), "There is no /dev/full here.");
        File.CreateSymbolicLink(FileName, "/dev/full");
        await using var log = Start();
        Tell(log, "lost/1");
        await LostAsync(log, 1);
        _clock.Turn(AuditLog.RetryPause);
        Tell(log, "lost/2");
        await LostAsync(log, 2);
        Tell(log, "lost/3");
        await LostAsync(log, 3);
        Assert.Single(_log.Take(), line => line.StartsWith($"Error: The audit log {FileName} cannot be written", StringComparison.Ordinal));

        File.Delete(FileName);
        _clock.Turn(AuditLog.RetryPause);
        Tell(log, "kept");
        await log.DisposeAsync();

        var lines = Lines();
        Assert.Equal("kept", lines[0].GetProperty("topic").GetString());
        Assert.Equal(("lost", 3), (lines[1].GetProperty("outcome").GetString(), lines[1].GetProperty("lines").GetInt32()));
        Assert.Contains($"Warning: The audit log {FileName} is written again; 3 lines were lost", _log.Take());
    }

    [Fact]
    public async Task A_line_that_was_cut_is_ended_and_the_file_goes_on()
    {
        await File.WriteAllTextAsync(FileName, "{\"cut\":", Servers.Ending);
        await using (var log = Start())
        {
            Tell(log, "t");
        }

        var lines = await File.ReadAllLinesAsync(FileName, Servers.Ending);
        Assert.Equal("{\"cut\":", lines[0]);
        Assert.Contains("\"topic\":\"t\"", lines[1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_that_was_moved_away_is_begun_anew_after_a_reload()
    {
        await using (var log = Start())
        {
            Tell(log, "before");
            await WrittenAsync();
            File.Move(FileName, _folder.PathOf("moved"));
            log.Renew(new AuditOptions { File = FileName });
            Tell(log, "after");
        }

        Assert.Equal("after", Assert.Single(Lines()).GetProperty("topic").GetString());
        Assert.Contains("before", await File.ReadAllTextAsync(_folder.PathOf("moved"), Servers.Ending), StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_cannot_be_written_starts_nothing()
    {
        var failure = Assert.Throws<BrokerStartException>(() => Start(audit => audit with { File = _folder.PathOf("missing/audit") }));

        Assert.Contains("missing/audit", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Where_lines_come_faster_than_they_are_written_they_are_lost_and_counted_and_nobody_waits()
    {
        var lines = 4 * AuditLog.MaximumWaiting;
        await using (var log = Start())
        {
            for (var i = 0; i < lines; i++)
            {
                Tell(log, "t");
            }

            await log.DisposeAsync();
            var written = File.ReadLines(FileName).LongCount(line => line.Contains("\"topic\"", StringComparison.Ordinal));
            Assert.Equal(lines, written + log.Lost);
        }
    }

    private static void Tell(AuditLog log, string topic, ExchangeOutcome outcome)
    {
        var request = new ObservedMessage
        {
            Topic = Encoding.UTF8.GetBytes(topic),
            ResponseTopic = "r"u8,
            ClientId = "client",
        };
        if (log.Requested(request) is { } observed)
        {
            log.Ended(observed, outcome);
        }
    }

    private static void Tell(AuditLog log, string topic, byte[]? payload = null)
    {
        var request = new ObservedMessage
        {
            Topic = Encoding.UTF8.GetBytes(topic),
            ResponseTopic = "r"u8,
            CorrelationData = [1, 0xAB],
            Payload = payload,
            ClientId = "client",
        };
        if (log.Requested(request) is { } observed)
        {
            log.Ended(observed, new ExchangeOutcome { End = ExchangeEnd.Answered, Payload = "answer"u8, ResponderClientId = "device" });
        }
    }

    private static async Task LostAsync(AuditLog log, long count)
    {
        while (log.Lost < count)
        {
            Servers.Ending.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }

    private async Task WrittenAsync()
    {
        while (new FileInfo(FileName).Length == 0)
        {
            Servers.Ending.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }

    private JsonElement[] Lines() => [.. File.ReadAllLines(FileName).Select(line => JsonDocument.Parse(line).RootElement)];

    private AuditLog Start(Func<AuditOptions, AuditOptions>? with = null)
    {
        var options = new AuditOptions { File = FileName };
        return AuditLog.Start(with is null ? options : with(options), _clock, _log);
    }

    private sealed class HandClock : TimeProvider
    {
        private long _ticks = TimeSpan.TicksPerHour;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => Volatile.Read(ref _ticks);

        public void Turn(TimeSpan span) => Interlocked.Add(ref _ticks, span.Ticks);
    }
}
