using System.Text;
using Antiphon.Client.Sessions;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;
using Antiphon.Protocol.Topics;
using Antiphon.Rpc.Responding;
using Antiphon.Rpc.Responding.Remembering;
using Antiphon.Rpc.Wire;

namespace Antiphon.Rpc.Tests.Responding;

/// <summary>What is to be done with a request that arrives, by what has arrived before.</summary>
#pragma warning disable CA1001 // The registration has no responder to end it at.
public sealed class AdmissionTests
#pragma warning restore CA1001
{
    private static readonly TimeSpan Now = TimeSpan.FromSeconds(1);

    private readonly Registration _here = Register("t", 1);
    private readonly AnswerMemory _memory = new(100_000);
    private readonly Admission _admission;
    private readonly Dictionary<Memento, ReceivedRequest> _taken = [];

    public AdmissionTests() => _admission = new Admission(_memory, 1);

    [Fact]
    public void Requests_run_then_wait_then_are_refused()
    {
        Assert.Equal(Verdict.Run, Admit(1));
        Assert.Equal(Verdict.Run, Admit(2));
        Assert.Equal(Verdict.Overloaded, Admit(3));

        Assert.True(_here.Queue.TryTake(out _));
        Assert.False(_here.Queue.TryTake(out _));
        Assert.Equal(Verdict.Overloaded, Admit(4));
        _here.Queue.Ended();
        Assert.Equal(Verdict.Run, Admit(5));
    }

    [Fact]
    public void An_overloaded_request_that_comes_again_is_refused_again_since_its_requester_was_told_that_it_does_not_run()
    {
        Admit(1);
        Admit(2);
        Assert.Equal(Verdict.Overloaded, Admit(View(3), Now, out var refused));
        _memory.Refused(refused, Now);
        RunOne();

        Assert.Equal(Verdict.Overloaded, Admit(3));
        Assert.Equal(Verdict.Run, Admit(4));
    }

    [Fact]
    public void A_request_that_comes_again_is_answered_again()
    {
        Admit(1);
        Answer("yes");

        Assert.Equal(Verdict.AnswerAgain, Admit(View(1), Now, out var known));
        var answer = new byte[_memory.LengthOf(known)];
        _memory.Read(known, answer);
        Assert.Equal("yes", Encoding.UTF8.GetString(answer));
    }

    [Fact]
    public void A_request_that_comes_again_while_it_runs_or_waits_goes_with_the_first()
    {
        Admit(1);
        Admit(2);
        _here.Queue.TryTake(out _);

        Assert.Equal(Verdict.Join, Admit(1));
        Assert.Equal(Verdict.Join, Admit(2));
    }

    [Fact]
    public void One_whose_answer_had_to_make_room_is_not_run_again()
    {
        Admit(1);
        _memory.Answered(_taken.Keys.Single(), default, new byte[200_000], Now);

        Assert.Equal(Verdict.Executed, Admit(1));
    }

    [Fact]
    public void One_that_ended_without_an_answer_is_late()
    {
        Admit(1);
        _memory.Unanswered(_taken.Keys.Single(), Now);

        Assert.Equal(Verdict.Late, Admit(1));
    }

    [Fact]
    public void Another_payload_with_the_same_Correlation_Data_is_another_request()
    {
        Admit(1);
        Answer("yes");

        Assert.Equal(Verdict.Run, Admit(1, payload: "other"));
        Assert.Equal(Verdict.Join, Admit(1, payload: "other"));
    }

    [Fact]
    public void The_same_Correlation_Data_from_another_requester_or_on_another_topic_is_another_request()
    {
        var wild = Register("+", 2);
        Admit(1);

        Assert.Equal(Verdict.Run, Admit(1, responseTopic: "r/other"));
        Assert.Equal(Verdict.Run, Admit(View(1), Now, out _, wild));
        Assert.Equal(Verdict.Run, Admit(View(1) with { Topic = "u"u8 }, Now, out _, wild));
        Assert.Equal(Verdict.Join, Admit(View(1) with { Topic = "u"u8 }, Now, out _, wild));
    }

    [Fact]
    public void A_foreign_request_with_the_same_Correlation_Data_runs_again_unless_it_is_a_redelivery()
    {
        Assert.Equal(Verdict.Run, Admit(1, isOfProfile: false, packetIdentifier: 5));
        Answer("yes");

        Assert.Equal(Verdict.AnswerAgain, Admit(1, isOfProfile: false, packetIdentifier: 5, dup: true));
        Assert.Equal(Verdict.Run, Admit(1, isOfProfile: false, packetIdentifier: 6, dup: true));
        RunOne();
        Assert.Equal(Verdict.Run, Admit(1, isOfProfile: false, packetIdentifier: 5));
        RunOne();
        Assert.Equal(Verdict.Run, Admit(1, isOfProfile: false, packetIdentifier: 5, dup: true, session: 1));
    }

    [Fact]
    public void Answers_are_remembered_until_the_time_of_the_request_is_up_and_that_it_ran_for_longer()
    {
        Admit(1);
        Answer("yes");

        // It expires after 5 seconds, and the margin is one more.
        Assert.Equal(Verdict.AnswerAgain, Admit(View(1), Now + TimeSpan.FromSeconds(5.9), out _));
        Assert.Equal(Verdict.Executed, Admit(View(1, expiry: 1), Now + TimeSpan.FromSeconds(6), out _));
        Assert.Equal(Verdict.Executed, Admit(View(1, expiry: 1), Now + TimeSpan.FromSeconds(200), out _));
    }

    [Fact]
    public void QoS_0_is_not_remembered_since_it_is_not_sent_again()
    {
        Assert.Equal(Verdict.Run, Admit(View(1) with { QoS = QualityOfService.AtMostOnce }, Now, out _));
        Assert.Equal(Verdict.Run, Admit(View(1) with { QoS = QualityOfService.AtMostOnce }, Now, out _));
        Assert.Equal(0, _memory.Count);
    }

    [Fact]
    public void With_no_memory_allowed_nothing_is_remembered()
    {
        var memory = new AnswerMemory(0);
        var admission = new Admission(memory, 1);
        for (var i = 0; i < 2; i++)
        {
            var view = View(1);
            var properties = RequestProperties.Read(view);
            var budget = RequestBudget.Of(view, properties, Now, TimeSpan.FromSeconds(120));
            Assert.Equal(Verdict.Run, admission.Admit(_here, view, properties, budget, 0, Now, out _));
        }

        Assert.Equal(0, memory.Bytes);
    }

    [Fact]
    public void A_registration_that_has_ended_takes_nothing()
    {
        _here.HasEnded = true;

        Assert.Equal(Verdict.Ended, Admit(View(1), Now, out var refused));
        _memory.Refused(refused, Now);

        // Its requester was told that it is not run; another registration on the same filter knows that.
        Assert.Equal(Verdict.Ended, Admit(1));
        _here.HasEnded = false;
        Assert.Equal(Verdict.Overloaded, Admit(1));
        Assert.Equal(Verdict.Run, Admit(2));
    }

    [Fact]
    public void What_is_old_late_or_would_come_back_is_turned_away()
    {
        Assert.Equal(Verdict.Retained, Admit(View(1) with { Retain = true }, Now, out _));
        Assert.Equal(Verdict.Expired, Admit(View(1, expiry: 0), Now, out _));
        Assert.Equal(Verdict.InvalidResponseTopic, Admit(View(1, responseTopic: "t"), Now, out _));
        Assert.Equal(0, _memory.Count);
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
    public void The_budget_is_the_smaller_of_Message_Expiry_and_exact_time(
        uint? expiry, string? timeout, double deadline, double forgetAt, bool isStated)
    {
        var view = View(1, expiry: expiry, timeout: timeout);
        var budget = RequestBudget.Of(view, RequestProperties.Read(view), TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(120));

        Assert.Equal(new RequestBudget(TimeSpan.FromSeconds(10 + deadline), TimeSpan.FromSeconds(10 + forgetAt), isStated), budget);
    }

    private static PublishView View(
        int correlation,
        string payload = "p",
        string responseTopic = "r/1",
        bool isOfProfile = true,
        ushort packetIdentifier = 1,
        bool dup = false,
        uint? expiry = 5,
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

    private static Registration Register(string filter, int number) =>
        new(null!, TopicFilter.Parse(filter), _ => default, number, new RequestQueue(1, 1), Scheduler.ThreadPool);

    private Verdict Admit(
        int correlation,
        string payload = "p",
        string responseTopic = "r/1",
        bool isOfProfile = true,
        ushort packetIdentifier = 1,
        bool dup = false,
        int session = 0) =>
        Admit(View(correlation, payload, responseTopic, isOfProfile, packetIdentifier, dup), Now, out _, _here, session);

    private Verdict Admit(in PublishView view, TimeSpan now, out Memento memento, Registration? registration = null, int session = 0)
    {
        registration ??= _here;
        var properties = RequestProperties.Read(view);
        var budget = RequestBudget.Of(view, properties, now, TimeSpan.FromSeconds(120));
        var verdict = _admission.Admit(registration, view, properties, budget, session, now, out memento);
        if (verdict == Verdict.Run)
        {
            var request = new ReceivedRequest(null!, 0);
            request.Begin(registration, view, properties, budget, default, memento, now);
            registration.Queue.Add(request);
            _taken[memento] = request;
        }

        return verdict;
    }

    private void RunOne()
    {
        Assert.True(_here.Queue.TryTake(out _));
        _here.Queue.Ended();
    }

    private void Answer(string text)
    {
        Assert.True(_here.Queue.TryTake(out var request));
        _memory.Answered(request.Memento, default, Encoding.UTF8.GetBytes(text), Now);
        _here.Queue.Ended();
    }
}
