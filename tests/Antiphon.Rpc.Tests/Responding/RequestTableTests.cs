using System.Text;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;
using Antiphon.Rpc.Responding;
using Antiphon.Rpc.Wire;

namespace Antiphon.Rpc.Tests.Responding;

#pragma warning disable CA1001 // The registration has no responder to end it at.
public sealed class RequestTableTests
#pragma warning restore CA1001
{
    private readonly Registration _here = new(null!, "t", _ => default);

    private readonly RequestTable _table = new(maximumConcurrency: 1, maximumWaiting: 1, maximumRememberedBytes: 10_000);

    [Fact]
    public void Requests_run_then_wait_then_are_refused()
    {
        Assert.Equal(Admission.Run, _table.Admit(Request(1), out _));
        var second = Request(2);
        Assert.Equal(Admission.Wait, _table.Admit(second, out _));
        Assert.Equal(Admission.Overloaded, _table.Admit(Request(3), out _));

        Assert.True(_table.TryTakeNext(_here, out var next));
        Assert.Same(second, next);
        Assert.False(_table.TryTakeNext(_here, out _));
        Assert.Equal(Admission.Run, _table.Admit(Request(3), out _));
    }

    [Fact]
    public void An_overloaded_request_that_comes_again_may_run()
    {
        _table.Admit(Request(1), out _);
        _table.Admit(Request(2), out _);
        Assert.Equal(Admission.Overloaded, _table.Admit(Request(3), out _));
        _table.TryTakeNext(_here, out _);

        Assert.Equal(Admission.Wait, _table.Admit(Request(3), out _));
    }

    [Fact]
    public void A_request_that_comes_again_is_answered_again()
    {
        var first = Request(1);
        _table.Admit(first, out _);
        Assert.True(_table.TryAnswer(first, "yes"));

        Assert.Equal(Admission.Repeat, _table.Admit(Request(1), out var known));
        Assert.Same(first, known);
        Assert.Equal("yes", Encoding.UTF8.GetString(known!.Answer!.Value.Payload.Span));
    }

    [Fact]
    public void A_request_that_comes_again_while_it_runs_or_waits_goes_with_the_first()
    {
        _table.Admit(Request(1), out _);
        _table.Admit(Request(2), out _);

        Assert.Equal(Admission.Joined, _table.Admit(Request(1), out _));
        Assert.Equal(Admission.Joined, _table.Admit(Request(2), out _));
    }

    [Fact]
    public void Another_payload_with_the_same_Correlation_Data_is_another_request()
    {
        var first = Request(1);
        _table.Admit(first, out _);
        _table.TryAnswer(first, "yes");
        _table.TryTakeNext(_here, out _);

        Assert.Equal(Admission.Run, _table.Admit(Request(1, payload: "other"), out _));
        Assert.Equal(Admission.Joined, _table.Admit(Request(1, payload: "other"), out _));
    }

    [Fact]
    public void The_same_Correlation_Data_from_another_requester_is_another_request()
    {
        _table.Admit(Request(1), out _);

        Assert.Equal(Admission.Wait, _table.Admit(Request(1, responseTopic: "r/other"), out _));
    }

    [Fact]
    public void A_foreign_request_with_the_same_Correlation_Data_runs_again_unless_it_is_a_redelivery()
    {
        var first = Request(1, isOfProfile: false, packetIdentifier: 5);
        _table.Admit(first, out _);
        _table.TryAnswer(first, "yes");
        _table.TryTakeNext(_here, out _);

        Assert.Equal(Admission.Repeat, _table.Admit(Request(1, isOfProfile: false, packetIdentifier: 5, dup: true), out _));
        Assert.Equal(Admission.Run, _table.Admit(Request(1, isOfProfile: false, packetIdentifier: 6, dup: true), out _));
        _table.TryTakeNext(_here, out _);
        Assert.Equal(Admission.Run, _table.Admit(Request(1, isOfProfile: false, packetIdentifier: 5), out _));
        _table.TryTakeNext(_here, out _);
        Assert.Equal(Admission.Run, _table.Admit(Request(1, isOfProfile: false, packetIdentifier: 5, dup: true, session: 1), out _));
    }

    [Fact]
    public void The_first_answer_counts_and_none_after_the_time_is_up()
    {
        var first = Request(1);
        _table.Admit(first, out _);
        Assert.True(_table.TryAnswer(first, "a"));
        Assert.False(_table.TryAnswer(first, "b"));
        _table.TryTakeNext(_here, out _);

        var second = Request(2);
        _table.Admit(second, out _);
        Assert.True(_table.TryTakeDue(TimeSpan.FromSeconds(5), out var expired, out var wasRunning));
        Assert.Same(second, expired);
        Assert.True(wasRunning);
        Assert.False(_table.TryAnswer(second, "too late"));
        Assert.Equal(Admission.Late, _table.Admit(Request(2), out _));
    }

    [Fact]
    public void A_request_that_expires_while_it_waits_never_runs()
    {
        _table.Admit(Request(1, deadline: 9), out _);
        var waiting = Request(2);
        _table.Admit(waiting, out _);

        Assert.True(_table.TryTakeDue(TimeSpan.FromSeconds(5), out var expired, out var wasRunning));
        Assert.Same(waiting, expired);
        Assert.False(wasRunning);
        Assert.False(_table.TryTakeNext(_here, out _));
        Assert.Equal(0, _table.Waiting);
    }

    [Fact]
    public void Answers_are_remembered_until_the_request_cannot_come_again()
    {
        var first = Request(1, deadline: 5, forgetAt: 7);
        _table.Admit(first, out _);
        _table.TryAnswer(first, "yes");
        _table.TryTakeNext(_here, out _);
        Assert.False(_table.TryTakeDue(TimeSpan.FromSeconds(6.9), out _, out _));
        Assert.NotEqual(0, _table.RememberedBytes);

        Assert.True(_table.TryTakeDue(TimeSpan.FromSeconds(7), out var expired, out _));
        Assert.Null(expired);
        Assert.Equal(0, _table.RememberedBytes);
        Assert.Null(_table.NextDeadline);
        Assert.Equal(Admission.Run, _table.Admit(Request(1), out _));
    }

    [Fact]
    public void Memory_for_answers_is_bounded_and_the_oldest_are_forgotten_first()
    {
        for (var i = 1; i <= 100; i++)
        {
            var request = Request(i);
            Assert.Equal(Admission.Run, _table.Admit(request, out _));
            _table.TryAnswer(request, new byte[1000]);
            _table.TryTakeNext(_here, out _);
            Assert.InRange(_table.RememberedBytes, 1, 10_000);
        }

        Assert.Equal(Admission.Repeat, _table.Admit(Request(100), out _));
        Assert.Equal(Admission.Run, _table.Admit(Request(1), out _));
    }

    [Fact]
    public void With_no_memory_allowed_nothing_is_remembered()
    {
        var table = new RequestTable(4, 4, 0);
        var first = Request(1);
        table.Admit(first, out _);
        table.TryAnswer(first, "yes");

        Assert.Equal(Admission.Run, table.Admit(Request(1), out _));
        Assert.Equal(0, table.RememberedBytes);
    }

    [Theory]
    [InlineData(null, null, 120, 121, false)]
    [InlineData(5u, null, 5, 6, true)]
    [InlineData(null, "1500", 1.5, 121, true)]
    [InlineData(5u, "4100", 4.1, 6, true)]
    [InlineData(3u, "4100", 3, 4, true)]
    [InlineData(0u, "4100", 0, 1, true)]
    [InlineData(5u, "-1", 5, 6, true)]
    [InlineData(5u, "soon", 5, 6, true)]
    public void The_budget_is_the_smaller_of_Message_Expiry_and_exact_time(uint? expiry, string? timeout, double deadline, double forgetAt, bool isStated)
    {
        var view = View(1, expiry: expiry, timeout: timeout);
        var budget = RequestBudget.Of(view, TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(120));

        Assert.Equal(new RequestBudget(TimeSpan.FromSeconds(10 + deadline), TimeSpan.FromSeconds(10 + forgetAt), isStated), budget);
    }

    private static PublishView View(
        int correlation,
        string payload = "p",
        string responseTopic = "r/1",
        bool isOfProfile = true,
        ushort packetIdentifier = 1,
        bool dup = false,
        uint? expiry = null,
        string? timeout = null)
    {
        var correlationData = new byte[16];
        BitConverter.TryWriteBytes(correlationData, correlation);
        var section = new PropertySection([]);
        section.AddResponseTopic(responseTopic);
        section.AddCorrelation(correlationData);
        section.AddUser(RpcPropertyName.Timeout, timeout);
        if (isOfProfile)
        {
            section.AddUser(RpcPropertyName.ProtocolVersion, RpcPropertyName.Version);
        }

        var properties = section.Written.ToArray();
        return new PublishView
        {
            Topic = "t"u8,
            Payload = Encoding.UTF8.GetBytes(payload),
            Properties = properties,
            ResponseTopic = Encoding.UTF8.GetBytes(responseTopic),
            CorrelationData = properties.AsSpan(properties.AsSpan().IndexOf(correlationData), 16),
            QoS = QualityOfService.AtLeastOnce,
            Dup = dup,
            PacketIdentifier = new PacketIdentifier(packetIdentifier),
            MessageExpiryInterval = expiry,
        };
    }

    private ReceivedRequest Request(
        int correlation,
        string payload = "p",
        string responseTopic = "r/1",
        bool isOfProfile = true,
        ushort packetIdentifier = 1,
        bool dup = false,
        int session = 0,
        int deadline = 5,
        int forgetAt = 6) => new(
            _here,
            View(correlation, payload, responseTopic, isOfProfile, packetIdentifier, dup),
            default,
            new RequestBudget(TimeSpan.FromSeconds(deadline), TimeSpan.FromSeconds(forgetAt), true),
            session);
}
