using Antiphon.Protocol;
using Antiphon.Rpc.Requesting.Calls;
using Antiphon.Rpc.Requesting.Topics;

namespace Antiphon.Rpc.Tests.Requesting.Calls;

public sealed class ExchangeTableTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    private readonly ResponseChannel _channel = Ready();
    private readonly ExchangeTable _table = new(2, 0x0102030405060708);

    [Fact]
    public void A_response_finds_its_call_and_ends_it()
    {
        var first = Start();
        var second = Start();

        Assert.Equal(ResponseMatch.Matched, _table.Match(_channel, Correlation(second), out var matched));
        Assert.Same(second, matched);
        Assert.True(second.IsEnded);
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
            var exchange = Start();
            var correlation = Correlation(exchange);
            Assert.Equal(16, correlation.Length);
            Assert.True(seen.Add(Convert.ToHexString(correlation)));
            _table.TryEnd(exchange);
        }
    }

    [Fact]
    public void A_response_that_comes_twice_is_late_the_second_time()
    {
        var correlation = Correlation(Start());
        _table.Match(_channel, correlation, out _);

        Assert.Equal(ResponseMatch.Late, _table.Match(_channel, correlation, out var matched));
        Assert.Null(matched);
    }

    [Fact]
    public void A_late_response_does_not_complete_the_call_that_has_its_slot_now()
    {
        var old = Correlation(Start());
        Assert.True(_table.TryTakeExpired(Second, out _));
        var now = Start();

        Assert.Equal(ResponseMatch.Late, _table.Match(_channel, old, out _));
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
        var exchange = Start();
        Assert.Equal("01020304050607080000000000010000", Convert.ToHexString(Correlation(exchange)));

        Assert.Equal(ResponseMatch.Foreign, _table.Match(_channel, Convert.FromHexString(correlation), out _));
        Assert.False(exchange.IsEnded);
    }

    [Fact]
    public void The_right_Correlation_Data_on_another_Response_Topic_is_foreign()
    {
        var exchange = Start();

        Assert.Equal(ResponseMatch.Foreign, _table.Match(Ready(), Correlation(exchange), out _));
        Assert.False(exchange.IsEnded);
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

        _table.TryEnd(first);
        Assert.True(_table.TryStart(out var started));
        Assert.Same(third, started);
        Assert.False(_table.TryStart(out _));
        Assert.Equal(RequestProgress.NotSent, fourth.Progress);
    }

    [Fact]
    public void A_call_that_waits_for_a_place_expires_on_its_own_time()
    {
        Start();
        Start();
        var waiting = Begin(TimeSpan.FromMilliseconds(1));

        Assert.True(_table.TryTakeExpired(TimeSpan.FromMilliseconds(1), out var expired));
        Assert.Same(waiting, expired);
        _table.TryEnd(_table.TakeAll()[0]);
        Assert.False(_table.TryStart(out _));
    }

    [Fact]
    public void A_call_ends_once()
    {
        var exchange = Start();

        Assert.True(_table.TryEnd(exchange));
        Assert.False(_table.TryEnd(exchange));
        Assert.False(_table.Published(exchange, ReasonCode.NoMatchingSubscribers, null));
        Assert.False(_table.TryTakeExpired(TimeSpan.MaxValue, out _));
    }

    [Fact]
    public void No_matching_subscribers_ends_a_call_at_once()
    {
        var exchange = Start();

        Assert.True(_table.Published(exchange, ReasonCode.NoMatchingSubscribers, null));
        Assert.True(exchange.IsEnded);
        Assert.Equal(RequestProgress.Acknowledged, exchange.Progress);
    }

    [Fact]
    public void Calls_wait_for_their_channel()
    {
        var channel = new ResponseChannel(null);
        var exchange = _table.Begin(new Call("t", default, RequestOptions.Default, channel, QualityOfService.AtLeastOnce, Second), default);
        Assert.False(_table.TryStart(out _));

        channel.Ready("r/2", "c", null);
        _table.ChannelIsReady(channel);
        Assert.True(_table.TryStart(out var started));
        Assert.Same(exchange, started);
    }

    [Fact]
    public void Calls_whose_channel_is_being_moved_wait_for_it()
    {
        var exchange = Begin();
        _channel.Close();
        Assert.False(_table.TryStart(out _));

        Assert.Same(exchange, Assert.Single(_table.TakeWaiting(_channel)));
        Assert.Equal(0, _table.Pending);
    }

    [Fact]
    public void With_the_Session_go_the_calls_whose_request_the_server_had()
    {
        var table = new ExchangeTable(8, 1);
        var before = new object();
        var after = new object();
        var acknowledged = Start(table);
        var acknowledgedAfter = Start(table);
        var unacknowledged = Start(table);
        table.Published(acknowledged, ReasonCode.Success, before);
        table.Published(acknowledgedAfter, ReasonCode.Success, after);

        Assert.Same(acknowledged, Assert.Single(table.TakeLost(null, after)));
        Assert.False(unacknowledged.IsEnded);
        Assert.False(acknowledgedAfter.IsEnded);
        Assert.Equal(2, table.TakeLost(_channel, after).Count);
    }

    [Fact]
    public void A_gathering_ends_with_its_last_reply()
    {
        var replies = System.Threading.Channels.Channel.CreateUnbounded<Response>();
        var exchange = _table.Begin(
            new Call("t", default, RequestOptions.Default, _channel, QualityOfService.AtLeastOnce, Second) { Gathering = replies.Writer, Replies = 2 }, default);
        Assert.True(_table.TryStart(out _));
        var correlation = Correlation(exchange);

        Assert.Equal(ResponseMatch.Matched, _table.Match(_channel, correlation, out _));
        Assert.False(exchange.IsEnded);
        Assert.False(_table.Published(exchange, ReasonCode.NoMatchingSubscribers, null));
        Assert.Equal(ResponseMatch.Matched, _table.Match(_channel, correlation, out _));
        Assert.True(exchange.IsEnded);
        Assert.Equal(ResponseMatch.Late, _table.Match(_channel, correlation, out _));
    }

    [Fact]
    public void Exchanges_are_used_again()
    {
        var first = Start();
        _table.TryEnd(first);
        Assert.True(first.Release());
        _table.Return(first);

        Assert.Same(first, Begin());
    }

    private static ResponseChannel Ready()
    {
        var channel = new ResponseChannel(null);
        channel.Ready("r/1", "c", null);
        return channel;
    }

    private static byte[] Correlation(Exchange exchange)
    {
        var bytes = new byte[16];
        exchange.WriteCorrelation(bytes);
        return bytes;
    }

    private Exchange Begin(TimeSpan? timeout = null) =>
        _table.Begin(new Call("t", default, RequestOptions.Default, _channel, QualityOfService.AtLeastOnce, timeout ?? Second), default);

    private Exchange Start(ExchangeTable? table = null)
    {
        (table ?? _table).Begin(new Call("t", default, RequestOptions.Default, _channel, QualityOfService.AtLeastOnce, Second), default);
        Assert.True((table ?? _table).TryStart(out var exchange));
        return exchange;
    }
}
