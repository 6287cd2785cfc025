using Antiphon.Client;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;
using Antiphon.Rpc.Requesting.Calls;
using Antiphon.Rpc.Requesting.Outcomes;
using Antiphon.Rpc.Requesting.Topics;

namespace Antiphon.Rpc.Tests.Requesting.Calls;

public sealed class CallTableTests
{
    private const ulong Prefix = 0x0102030405060708;

    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    private readonly ResponseChannel _channel = Ready();
    private readonly CallTable _table = new(2, Prefix);

    [Fact]
    public void A_response_finds_its_call_and_ends_it()
    {
        var first = Start();
        var second = Start();

        Assert.Equal(ResponseMatch.Matched, _table.Find(_channel, Bytes(second), out var matched));
        Assert.Same(second, matched);
        Answer(second);
        Assert.Same(second, Assert.Single(_table.Ended));
        Assert.Equal(OutcomeKind.Answered, second.Outcome.Kind);
        Assert.False(first.IsEnded);
        Assert.Equal(1, _table.Pending);
        Assert.Equal(1, _table.InFlight);
    }

    [Fact]
    public void Correlation_Data_is_16_bytes_and_never_the_same_twice()
    {
        var seen = new HashSet<string>();
        for (var i = 0; i < 100; i++)
        {
            var call = Start();
            var correlation = Bytes(call);
            Assert.Equal(16, correlation.Length);
            Assert.True(seen.Add(Convert.ToHexString(correlation)));
            Answer(call);
        }
    }

    [Fact]
    public void A_response_that_comes_twice_is_late_the_second_time()
    {
        var call = Start();
        Answer(call);

        Assert.Equal(ResponseMatch.Late, _table.Find(_channel, Bytes(call), out var matched));
        Assert.Null(matched);
    }

    [Fact]
    public void A_late_response_does_not_complete_the_call_that_has_its_slot_now()
    {
        var old = Bytes(Start());
        Assert.Equal(1, _table.Tick(Second));
        var now = Start();

        Assert.Equal(ResponseMatch.Late, _table.Find(_channel, old, out _));
        Assert.False(now.IsEnded);
    }

    [Theory]
    [InlineData("")]
    [InlineData("01")]
    [InlineData("010203040506070900000000000100000000")]
    [InlineData("01020304050607090000000000010000")]
    [InlineData("01020304050607080000000000000000")]
    [InlineData("01020304050607080000000000020000")]
    [InlineData("01020304050607080000000000010001")]
    [InlineData("0102030405060708000000000001FFFF")]
    public void Correlation_Data_that_was_never_given_is_foreign(string correlation)
    {
        var call = Start();
        Assert.Equal("01020304050607080000000000010000", Convert.ToHexString(Bytes(call)));

        Assert.Equal(ResponseMatch.Foreign, _table.Find(_channel, Convert.FromHexString(correlation), out _));
        Assert.False(call.IsEnded);
    }

    [Fact]
    public void The_right_Correlation_Data_on_another_Response_Topic_is_foreign()
    {
        var call = Start();

        Assert.Equal(ResponseMatch.Foreign, _table.Find(Ready(), Bytes(call), out _));
        Assert.False(call.IsEnded);
    }

    [Fact]
    public void Beyond_the_bound_calls_wait_and_are_started_in_order()
    {
        var first = Start();
        Start();
        var third = Begin();
        var fourth = Begin();
        Assert.False(_table.TryStart(out _));
        Assert.Equal(4, _table.Pending);
        Assert.Equal(2, _table.InFlight);
        Assert.Equal(RequestProgress.NotSent, third.Progress);

        Answer(first);
        Assert.True(_table.TryStart(out var started));
        Assert.Same(third, started);
        Assert.False(_table.TryStart(out _));
        Assert.Equal(RequestProgress.NotSent, fourth.Progress);
    }

    [Fact]
    public void A_call_that_waits_for_a_place_expires_on_its_own_time()
    {
        var first = Start();
        Start();
        var waiting = Begin(TimeSpan.FromMilliseconds(1));

        Assert.Equal(1, _table.Tick(TimeSpan.FromMilliseconds(1)));
        Assert.Same(waiting, _table.Ended.Dequeue());
        Assert.Equal(RequestProgress.NotSent, waiting.Outcome.Progress);
        Answer(first);
        Assert.False(_table.TryStart(out _));
    }

    [Fact]
    public void A_call_ends_once()
    {
        var call = Start();

        Answer(call);
        Answer(call);
        _table.Acknowledged(call, ReasonCode.NoMatchingSubscribers, default);
        _table.Cancelled(call, default, new CancellationToken(canceled: true));
        _table.Disposed(default);
        Assert.Equal(0, _table.Tick(TimeSpan.MaxValue));

        Assert.Equal(OutcomeKind.Answered, call.Outcome.Kind);
        Assert.Single(_table.Ended);
    }

    [Fact]
    public void No_matching_subscribers_ends_a_call_at_once()
    {
        var call = Start();

        _table.Acknowledged(call, ReasonCode.NoMatchingSubscribers, default);

        Assert.Equal(OutcomeKind.NoResponder, call.Outcome.Kind);
        Assert.Equal(RequestProgress.Acknowledged, call.Outcome.Progress);
    }

    [Fact]
    public void Calls_wait_for_their_channel()
    {
        var owner = new Owner();
        var channel = new ResponseChannel(owner, Prefix, null);
        var call = Begin(channel: channel);
        Assert.False(_table.TryStart(out _));

        channel.Opening("r/2", "c", null!);
        channel.Subscribed(null);
        Assert.Equal((channel, null), Assert.Single(owner.Answers));
        _table.ChannelReady(channel);
        Assert.True(_table.TryStart(out var started));
        Assert.Same(call, started);
    }

    [Fact]
    public void Calls_whose_channel_is_being_moved_wait_for_it_and_end_with_it()
    {
        var call = Begin();
        _channel.Close();
        _table.ChannelMoved(_channel, default);
        Assert.False(_table.TryStart(out _));

        _table.ChannelFailed(_channel, new InvalidOperationException("why"), default);
        Assert.Same(call, Assert.Single(_table.Ended));
        Assert.Equal("why", call.Outcome.ToException(call).Message);
        Assert.Equal(0, _table.Pending);
    }

    [Fact]
    public void Calls_keep_their_order_when_their_channel_is_moved()
    {
        var other = Ready();
        Begin(channel: other);
        var first = Begin();
        _channel.Close();
        _table.ChannelMoved(_channel, default);
        var second = Begin();
        Assert.True(_table.TryStart(out _));
        Assert.False(_table.TryStart(out _));
        _channel.Opening("r/2", "c", null!);
        _channel.Subscribed(null);
        _table.ChannelReady(_channel);

        Assert.True(_table.TryStart(out var started));
        Assert.Same(first, started);
        Answer(first);
        Assert.True(_table.TryStart(out started));
        Assert.Same(second, started);
    }

    [Fact]
    public void With_the_Session_go_the_calls_whose_request_the_server_had()
    {
        var acknowledged = Start();
        var unacknowledged = Start();
        _table.Acknowledged(acknowledged, ReasonCode.Success, default);

        _table.SessionLost(default);
        Assert.Same(acknowledged, _table.Ended.Dequeue());
        Assert.IsType<OutcomeUnknownException>(acknowledged.Outcome.ToException(acknowledged));
        Assert.False(unacknowledged.IsEnded);

        _table.ChannelMoved(_channel, default);
        Assert.Same(unacknowledged, Assert.Single(_table.Ended));
    }

    [Fact]
    public void A_stopped_client_ends_each_call_by_what_is_known_of_it()
    {
        var sent = Start();
        Start();
        var waiting = Begin();

        _table.Stopped(new ConnectionException("why"), default);

        Assert.Equal(3, _table.Ended.Count);
        Assert.IsType<OutcomeUnknownException>(sent.Outcome.ToException(sent));
        Assert.IsType<ConnectionException>(waiting.Outcome.ToException(waiting));
    }

    [Fact]
    public void A_gathering_ends_with_its_last_reply()
    {
        var call = new GatheringCall(null, 2);
        Begin(call);
        Assert.True(_table.TryStart(out _));

        Answer(call);
        Assert.False(call.IsEnded);
        _table.Acknowledged(call, ReasonCode.NoMatchingSubscribers, default);
        Assert.False(call.IsEnded);
        Answer(call);
        Assert.Equal(OutcomeKind.Gathered, call.Outcome.Kind);
        Assert.Equal(ResponseMatch.Late, _table.Find(_channel, Bytes(call), out _));
    }

    [Fact]
    public void A_gathering_that_nobody_has_answered_times_out_unless_the_server_had_it()
    {
        var unknown = new GatheringCall(null, null);
        var acknowledged = new GatheringCall(null, null);
        Begin(unknown);
        Begin(acknowledged);
        Assert.True(_table.TryStart(out _));
        Assert.True(_table.TryStart(out _));
        _table.Acknowledged(acknowledged, ReasonCode.Success, default);

        Assert.Equal(1, _table.Tick(Second));
        Assert.Equal(OutcomeKind.TimedOut, unknown.Outcome.Kind);
        Assert.Equal(OutcomeKind.Gathered, acknowledged.Outcome.Kind);
    }

    [Fact]
    public async Task A_call_that_succeeded_is_used_again_under_another_version_and_one_that_failed_is_not()
    {
        var owner = new CallOwner();
        var pool = new CallPool(owner);
        owner.Pool = pool;
        var call = pool.Rent();
        var version = call.Version;
        Begin(call);
        Assert.True(_table.TryStart(out _));
        var task = call.Task;
        Answer(call);
        call.Run(version);
        await task;

        Assert.Same(call, pool.Rent());
        Assert.NotEqual(version, call.Version);

        // What still knows it by its old version does not touch the call that it serves now.
        Begin(call);
        call.Run(version);
        call.Published(version, default, null);
        Assert.False(call.Task.IsCompleted);
        Assert.Equal(0, owner.Told);

        task = call.Task;
        _table.Cancelled(call, default, new CancellationToken(canceled: true));
        call.Run(call.Version);
        await Assert.ThrowsAsync<OperationCanceledException>(async () => await task);
        Assert.NotSame(call, pool.Rent());
    }

    private static ResponseChannel Ready()
    {
        var channel = new ResponseChannel(new Owner(), Prefix, null);
        channel.Opening("r/1", "c", null!);
        channel.Subscribed(null);
        return channel;
    }

    private static byte[] Bytes(Call call) => Correlation.ToBytes(Prefix, call.Number);

    private void Answer(Call call) => _table.Answered(call, call.Answer(default, default, strict: false, default));

    private SingleCall Begin(TimeSpan? timeout = null, ResponseChannel? channel = null)
    {
        var call = new SingleCall(null);
        Begin(call, timeout, channel);
        return call;
    }

    private void Begin(Call call, TimeSpan? timeout = null, ResponseChannel? channel = null)
    {
        call.Begin(
            new CallContent(
                "t", 1, default, RequestOptions.Default, channel ?? _channel, QualityOfService.AtLeastOnce, timeout ?? Second, null),
            default);
        _table.Began(call);
    }

    private Call Start()
    {
        Begin();
        Assert.True(_table.TryStart(out var call));
        return call;
    }

    private sealed class Owner : IChannelOwner
    {
        public List<(ResponseChannel Channel, MqttException? Failure)> Answers { get; } = [];

        public void Opened(ResponseChannel channel, MqttException? failure) => Answers.Add((channel, failure));

        public void Arrived(ResponseChannel channel, bool isOnItsTopic, in PublishView message) => throw new NotSupportedException();
    }

    private sealed class CallOwner : ICallOwner
    {
        public TimeSpan Now => TimeSpan.Zero;

        public CallPool? Pool { get; set; }

        public int Told { get; private set; }

        public void Published(Call call, in PublishResult result, MqttException? failure) => Told++;

        public void Cancel(Call call, CancellationToken cancellationToken) => throw new NotSupportedException();

        public void Release(SingleCall call) => Pool!.Return(call);
    }
}
