using Antiphon.Client.Connections;
using Antiphon.Client.Tests.Peers;
using Antiphon.Client.Tests.Time;
using Antiphon.Protocol;

namespace Antiphon.Client.Tests.Connections;

/// <summary>
/// A CONNECT that was given up is accepted late, and takes over the Session from the connection after it.
/// The client comes back from that, but from no other takeover.
/// </summary>
public sealed class OwnTakeoverTests : IDisposable
{
    private const string TakenOver = "E0 01 8E";
    private const byte CleanStart = 2;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    private readonly ScriptedServer _server = new();
    private readonly ManualTimeProvider _clock = new();

    public void Dispose() => _server.Dispose();

    [Fact]
    public async Task A_CONNECT_that_was_given_up_explains_one_takeover()
    {
        await using var client = Start();
        var states = new StateLog(client);
        await GiveUpAsync();
        using var second = await _server.AcceptAsync(ScriptedServer.Accepted);
        await client.WaitUntilConnectedAsync(Limit.Token);
        await second.SendAsync(TakenOver);

        var change = await states.NextAsync(ConnectionState.Reconnecting);
        using var third = await _server.AcceptAsync();

        // The late CONNECT has begun a new Session: what this client had subscribed to is not in there.
        Assert.Equal(CleanStart, FlagsOf(await third.ReadAsync()));
        await third.SendAsync("20 03 00 88 00");
        using var fourth = await _server.AcceptAsync();
        Assert.Equal(CleanStart, FlagsOf(await fourth.ReadAsync()));
        await fourth.SendAsync(ScriptedServer.Accepted);
        await states.NextAsync(ConnectionState.Connected);
        await fourth.SendAsync(TakenOver);
        Assert.Equal(ReasonCode.SessionTakenOver, (await states.NextAsync(ConnectionState.Stopped)).ReasonCode);
        Assert.NotNull(change.Exception);
    }

    [Fact]
    public async Task One_that_resumed_the_Session_is_followed_by_one_that_resumes_it()
    {
        await using var client = Start();
        using (var first = await _server.AcceptAsync(ScriptedServer.Accepted))
        {
            await client.WaitUntilConnectedAsync(Limit.Token);
        }

        await GiveUpAsync();
        using var third = await _server.AcceptAsync(ScriptedServer.AcceptedSessionPresent);
        await third.SendAsync(TakenOver);
        using var fourth = await _server.AcceptAsync();

        Assert.Equal(0, FlagsOf(await fourth.ReadAsync()));
        await fourth.SendAsync(ScriptedServer.AcceptedSessionPresent);
        await client.WaitUntilConnectedAsync(Limit.Token);
    }

    [Fact]
    public async Task A_takeover_after_longer_than_an_answer_may_take_is_somebody_elses()
    {
        await using var client = Start();
        var states = new StateLog(client);
        await GiveUpAsync();
        using var second = await _server.AcceptAsync(ScriptedServer.Accepted);
        await client.WaitUntilConnectedAsync(Limit.Token);
        _clock.Advance(Patience + TimeSpan.FromTicks(1));
        await second.SendAsync(TakenOver);

        await states.NextAsync(ConnectionState.Stopped);
    }

    [Fact]
    public async Task A_CONNECT_that_was_refused_explains_none()
    {
        await using var client = Start();
        var states = new StateLog(client);
        using var first = await _server.AcceptAsync("20 03 00 88 00");
        using var second = await _server.AcceptAsync(ScriptedServer.Accepted);
        await second.SendAsync(TakenOver);

        await states.NextAsync(ConnectionState.Stopped);
    }

    [Fact]
    public void Three_takeovers_are_explained_at_most()
    {
        var unanswered = new UnansweredConnects(Patience);
        var takenOver = new ConnectionEnd("Taken over.") { ReasonCode = ReasonCode.SessionTakenOver, FromServer = true };
        for (var i = 0; i < 10; i++)
        {
            unanswered.Add(cleanStart: true);
        }

        Assert.False(unanswered.Explain(takenOver with { FromServer = false }, Patience, out _));
        Assert.False(unanswered.Explain(takenOver with { ReasonCode = ReasonCode.NotAuthorized }, Patience, out _));
        Assert.Equal([true, true, true, false], Enumerable.Range(0, 4).Select(_ => unanswered.Explain(takenOver, Patience, out var _)));
    }

    [Fact]
    public void Only_one_that_had_Clean_Start_may_have_begun_a_new_Session()
    {
        var unanswered = new UnansweredConnects(Patience);
        var takenOver = new ConnectionEnd("Taken over.") { ReasonCode = ReasonCode.SessionTakenOver, FromServer = true };
        foreach (var cleanStart in (bool[])[false, true, false])
        {
            unanswered.Add(cleanStart);
            Assert.True(unanswered.Explain(takenOver, Patience, out var newSession));
            Assert.Equal(cleanStart, newSession);
        }
    }

    private static int FlagsOf(byte[] connect) => connect[9];

    private MqttClient Start() => MqttClient.Start(_server.Options with { TimeProvider = _clock, ConnectTimeout = Patience });

    /// <summary>Lets the client give up a connection whose CONNECT has been read.</summary>
    private async Task GiveUpAsync()
    {
        using var slow = await _server.AcceptAsync();
        await slow.ReadAsync();
        _clock.Advance(Patience);
        await slow.ExpectEndAsync();
    }
}
