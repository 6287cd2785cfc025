using System.Buffers.Binary;
using System.Text;
using Antiphon.Protocol;
using Antiphon.Rpc.Responding.Remembering;

namespace Antiphon.Rpc.Tests.Responding.Remembering;

public sealed class AnswerMemoryTests
{
    private static readonly TimeSpan Now = TimeSpan.FromSeconds(100);

    private readonly AnswerMemory _memory = new(1_000_000);
    private readonly byte[] _correlation = new byte[16];

    [Fact]
    public void A_request_is_running_then_answered_until_its_time_is_up()
    {
        Assert.Equal(Known.Nothing, _memory.Find(Key(1), Now, out _));
        var begun = _memory.Begin(Key(1), Now + Seconds(5), Now);
        _memory.Assign(begun, 7);
        Assert.Equal(Known.Running, _memory.Find(Key(1), Now, out var found));
        Assert.Equal(7, _memory.OwnerOf(found));

        _memory.Answered(begun, "properties"u8, "payload"u8, Now);
        Assert.Equal(Known.Answered, _memory.Find(Key(1), Now + Seconds(4.99), out found));
        var answer = new byte[_memory.LengthOf(found)];
        var properties = _memory.Read(found, answer);
        Assert.Equal("properties", Encoding.UTF8.GetString(answer.AsSpan(0, properties)));
        Assert.Equal("payload", Encoding.UTF8.GetString(answer.AsSpan(properties)));
        Assert.Equal(Known.Executed, _memory.Find(Key(1), Now + Seconds(5), out _));
    }

    [Fact]
    public void A_mark_stays_for_five_minutes_of_a_request_whose_key_means_it_alone()
    {
        var later = Now + Seconds(5);
        _memory.Answered(_memory.Begin(Key(1), later, Now), default, "yes"u8, Now);
        _memory.Unanswered(_memory.Begin(Key(2), later, Now), Now);
        _memory.Refused(_memory.Begin(Key(3), later, Now), Now);
        _memory.Answered(_memory.Begin(Key(4, isForeign: true), later, Now), default, "yes"u8, Now);
        foreach (var time in new[] { later, later + Seconds(299) })
        {
            Assert.Equal(Known.Executed, _memory.Find(Key(1), time, out _));
            Assert.Equal(Known.Unanswered, _memory.Find(Key(2), time, out _));
            Assert.Equal(Known.Refused, _memory.Find(Key(3), time, out _));
            Assert.Equal(Known.Nothing, _memory.Find(Key(4, isForeign: true), time, out _));
        }

        Assert.Equal(3 * AnswerMemory.MarkBytes, _memory.Bytes);
        for (var number = 1; number < 4; number++)
        {
            Assert.Equal(Known.Nothing, _memory.Find(Key(number), later + Seconds(300), out _));
        }

        Assert.Equal((0, 0), (_memory.Count, _memory.ForgottenEarly));
    }

    [Fact]
    public void A_mark_also_stays_where_the_time_was_found_to_be_up_by_others()
    {
        _memory.Answered(_memory.Begin(Key(1), Now + Seconds(5), Now), default, "yes"u8, Now);
        Fill(1000, Now + Seconds(100));
        Assert.Equal(Known.Executed, _memory.Find(Key(1), Now + Seconds(200), out _));
        Fill(1000, Now + Seconds(600));
        Assert.Equal(Known.Nothing, _memory.Find(Key(1), Now + Seconds(600), out _));
    }

    [Fact]
    public void Marks_of_what_is_over_take_a_quarter_at_most_and_are_the_first_to_go()
    {
        var memory = new AnswerMemory(40_000);
        var now = Now;
        for (var i = 0; i < 1000; i++, now += Seconds(1))
        {
            memory.Answered(memory.Begin(Key(i), now + Seconds(1), now), default, "yes"u8, now);
        }

        Assert.InRange(memory.Bytes, AnswerMemory.MarkBytes * 100, 11_000);
        Assert.Equal(Known.Executed, memory.Find(Key(950), now, out _));
        Assert.Equal(Known.Nothing, memory.Find(Key(800), now, out _));
        memory.Answered(memory.Begin(Key(2000), now + Seconds(5), now), default, new byte[36_000], now);
        Assert.Equal(Known.Answered, memory.Find(Key(2000), now, out _));
        Assert.Equal(0, memory.ForgottenEarly);
    }

    [Fact]
    public void A_refusal_is_known_as_one_also_when_its_key_had_to_make_room()
    {
        var memory = new AnswerMemory(2_000);
        memory.Refused(memory.Begin(Key(1), Now + Seconds(5), Now), Now);
        memory.Answered(memory.Begin(Key(2), Now + Seconds(5), Now), default, new byte[1500], Now);

        Assert.Equal(Known.Refused, memory.Find(Key(1), Now, out _));
    }

    [Fact]
    public void One_that_ended_without_an_answer_is_known_for_that()
    {
        _memory.Unanswered(_memory.Begin(Key(1), Now + Seconds(5), Now), Now);

        Assert.Equal(Known.Unanswered, _memory.Find(Key(1), Now, out _));
    }

    [Fact]
    public void One_that_runs_is_known_however_late_it_is()
    {
        _memory.Begin(Key(1), Now + Seconds(5), Now);
        Fill(1000, Now + Seconds(500));

        Assert.Equal(Known.Running, _memory.Find(Key(1), Now + Seconds(500), out _));
    }

    [Fact]
    public void What_is_due_is_forgotten_when_others_come_and_its_memory_used_again()
    {
        Fill(1000, Now);
        var bytes = _memory.Bytes;
        for (var turn = 1; turn < 40; turn++)
        {
            // Turns of all lengths, longer ones than the wheel is wide too.
            Fill(1000, Now + Seconds(turn * turn * 3));
        }

        Assert.InRange(_memory.Count, 1000, 2000);
        Assert.InRange(_memory.Bytes, bytes, 2 * bytes);
        Assert.Equal(0, _memory.ForgottenEarly);
    }

    [Fact]
    public void What_comes_again_only_after_days_is_not_forgotten_before()
    {
        var days = TimeSpan.FromDays(3);
        _memory.Answered(_memory.Begin(Key(1), Now + days, Now), default, "yes"u8, Now);
        for (var hour = 0; hour < 72; hour++)
        {
            Fill(100, Now + TimeSpan.FromHours(hour));
        }

        Assert.Equal(Known.Answered, _memory.Find(Key(1), Now + days - Seconds(1), out _));
    }

    [Fact]
    public void Beyond_the_bound_the_oldest_answers_leave_a_mark()
    {
        var memory = new AnswerMemory(20_000);
        for (var i = 0; i < 30; i++)
        {
            memory.Answered(memory.Begin(Key(i), Now + Seconds(5), Now), default, new byte[1000], Now);
            Assert.InRange(memory.Bytes, 1, 20_000);
        }

        Assert.Equal(Known.Executed, memory.Find(Key(0), Now, out _));
        Assert.Equal(Known.Answered, memory.Find(Key(29), Now, out _));
        Assert.Equal(0, memory.ForgottenEarly);
        Assert.Equal(Known.Executed, memory.Find(Key(0), Now + Seconds(5), out _));
    }

    [Fact]
    public void A_mark_of_one_that_ended_without_an_answer_still_says_so()
    {
        var memory = new AnswerMemory(2_000);
        memory.Unanswered(memory.Begin(Key(1), Now + Seconds(5), Now), Now);
        memory.Answered(memory.Begin(Key(2), Now + Seconds(5), Now), default, new byte[1500], Now);

        Assert.Equal(Known.Unanswered, memory.Find(Key(1), Now, out _));
    }

    [Fact]
    public void An_answer_larger_than_the_bound_leaves_a_mark()
    {
        var memory = new AnswerMemory(2_000);
        var answer = new byte[10_000_000];
        var before = GC.GetAllocatedBytesForCurrentThread();
        memory.Answered(memory.Begin(Key(1), Now + Seconds(5), Now), default, answer, Now);

        Assert.Equal(Known.Executed, memory.Find(Key(1), Now, out _));
        Assert.InRange(memory.Bytes, 1, 2_000);

        // What is taken once is kept.
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 1, 500_000);
    }

    [Fact]
    public void Marks_are_bounded_too_and_what_is_forgotten_early_is_counted()
    {
        var memory = new AnswerMemory(8_000);
        for (var i = 0; i < 1000; i++)
        {
            memory.Answered(memory.Begin(Key(i), Now + Seconds(5), Now), default, new byte[500], Now);
        }

        Assert.InRange(memory.Bytes, 1, 8_000);
        Assert.InRange(memory.Count, 8_000 / 4 / AnswerMemory.MarkBytes, 8_000 / AnswerMemory.MarkBytes);
        Assert.Equal(1000 - memory.Count, memory.ForgottenEarly);
        Assert.Equal(Known.Nothing, memory.Find(Key(0), Now, out _));
        Assert.Equal(Known.Answered, memory.Find(Key(999), Now, out _));
    }

    [Fact]
    public void What_is_due_goes_before_what_is_not()
    {
        var memory = new AnswerMemory(20_000);
        memory.Answered(memory.Begin(Key(1), Now + Seconds(60), Now), default, new byte[1000], Now);
        for (var i = 2; i < 15; i++)
        {
            memory.Answered(memory.Begin(Key(i), Now + Seconds(1), Now), default, new byte[1000], Now);
        }

        var later = Now + Seconds(2);
        memory.Answered(memory.Begin(Key(20), later + Seconds(5), later), default, new byte[8000], later);
        Assert.Equal(Known.Answered, memory.Find(Key(1), later, out _));
    }

    [Fact]
    public void Whatever_tells_two_requests_apart_is_looked_at_also_where_the_hashes_are_alike()
    {
        RequestKey Alike(RequestKey key) => key with { Hash = 5, PayloadHash = 6 };

        var first = Alike(Key(1));
        _memory.Answered(_memory.Begin(first, Now + Seconds(5), Now), default, "first"u8, Now);
        Assert.Equal(Known.Answered, _memory.Find(first, Now, out _));
        Assert.Equal(Known.Nothing, _memory.Find(Alike(Key(2)), Now, out _));
        Assert.Equal(Known.Nothing, _memory.Find(first with { PayloadHash = 7 }, Now, out _));
        Assert.Equal(Known.Nothing, _memory.Find(first with { ResponseTopic = "r/2"u8 }, Now, out _));
        Assert.Equal(Known.Nothing, _memory.Find(first with { Topic = "u"u8 }, Now, out _));
        Assert.Equal(Known.Nothing, _memory.Find(first with { Registration = 2 }, Now, out _));
        Assert.Equal(Known.Nothing, _memory.Find(first with { Session = 2 }, Now, out _));
        Assert.Equal(Known.Nothing, _memory.Find(first with { PacketIdentifier = new PacketIdentifier(2) }, Now, out _));
        Assert.Equal(Known.Nothing, _memory.Find(first with { ResponseTopic = "r/1t"u8, Topic = default }, Now, out _));

        _memory.Answered(_memory.Begin(Alike(Key(2)), Now + Seconds(5), Now), default, "second"u8, Now);
        Assert.Equal("first", Answer(_memory, first));
        Assert.Equal("second", Answer(_memory, Alike(Key(2))));
    }

    [Fact]
    public void Hashes_differ_where_anything_differs()
    {
        var key = Key(1);
        var others = new HashSet<(ulong, ulong)> { (key.Hash, key.PayloadHash) };
        void Add(in RequestKey other, ReadOnlySpan<byte> payload)
        {
            var hashed = other.WithHashes(1, payload);
            Assert.True(others.Add((hashed.Hash, hashed.PayloadHash)));
        }

        Add(key, "other"u8);
        Add(key, "p\0"u8);
        Add(key with { ResponseTopic = "r/2"u8 }, "p"u8);
        Add(key with { Topic = "u"u8 }, "p"u8);
        Add(key with { ResponseTopic = "r/1t"u8, Topic = default }, "p"u8);
        Add(key with { Registration = 2 }, "p"u8);
        Add(key with { Session = 2 }, "p"u8);
        Add(key with { PacketIdentifier = new PacketIdentifier(2) }, "p"u8);
        var elsewhere = key.WithHashes(2, "p"u8);
        Assert.NotEqual(key.Hash, elsewhere.Hash);
    }

    [Fact]
    public void One_that_begins_anew_with_the_same_key_takes_the_place_of_the_first()
    {
        var first = _memory.Begin(Key(1), Now + Seconds(5), Now);
        _memory.Assign(first, 1);
        var second = _memory.Begin(Key(1), Now + Seconds(5), Now);
        _memory.Assign(second, 2);
        _memory.Answered(first, default, "first"u8, Now);
        Assert.Equal(Known.Running, _memory.Find(Key(1), Now, out var found));
        Assert.Equal(2, _memory.OwnerOf(found));

        _memory.Answered(second, default, "second"u8, Now);
        Assert.Equal("second", Answer(_memory, Key(1)));
        Assert.Equal(1, _memory.Count);
    }

    [Fact]
    public void Remembering_allocates_nothing_once_there_is_room()
    {
        const int Answers = 100_000;
        var memory = new AnswerMemory(100_000_000);
        void Remember(int from, TimeSpan now)
        {
            Span<byte> payload = stackalloc byte[64];
            for (var i = from; i < from + Answers; i++)
            {
                memory.Answered(memory.Begin(Key(i, isForeign: true), now + Seconds(30), now), "__stat200"u8, payload, now);
            }
        }

        Remember(0, Now);
        Assert.Equal(Answers, memory.Count);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Remember(Answers, Now + Seconds(31));
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.Equal(Answers, memory.Count);
        Assert.Equal(0, memory.ForgottenEarly);
    }

    [Fact]
    public void The_collector_finds_a_few_large_arrays_and_nothing_in_them()
    {
        Assert.False(System.Runtime.CompilerServices.RuntimeHelpers.IsReferenceOrContainsReferences<RememberedRequest>());
        var before = GC.GetAllocatedBytesForCurrentThread();
        var memory = new AnswerMemory(long.MaxValue);
        for (var i = 0; i < 100_000; i++)
        {
            memory.Answered(memory.Begin(Key(i), Now + Seconds(30), Now), default, default, Now);
        }

        // Nothing but what counts as remembered, the last array of each kind, and the table of hashes that grew by doubling.
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, memory.Bytes, memory.Bytes * 5 / 4);
    }

    private static TimeSpan Seconds(double seconds) => TimeSpan.FromSeconds(seconds);

    private static string Answer(AnswerMemory memory, in RequestKey key)
    {
        Assert.Equal(Known.Answered, memory.Find(key, Now, out var found));
        var answer = new byte[memory.LengthOf(found)];
        return Encoding.UTF8.GetString(answer.AsSpan(memory.Read(found, answer)));
    }

    private void Fill(int count, TimeSpan now)
    {
        for (var i = 0; i < count; i++)
        {
            var key = Key(1_000_000 + i + (int)now.TotalSeconds * 10_000, isForeign: true);
            _memory.Answered(_memory.Begin(key, now + Seconds(2 + (i & 1)), now), default, "yes"u8, now);
        }
    }

    private RequestKey Key(int number, bool isForeign = false)
    {
        BinaryPrimitives.WriteInt32LittleEndian(_correlation, number);
        return new RequestKey
        {
            Registration = 1,
            PacketIdentifier = new PacketIdentifier((ushort)(isForeign ? 7 : 0)),
            CorrelationData = number < 10 ? BitConverter.GetBytes(number) : _correlation,
            ResponseTopic = "r/1"u8,
            Topic = "t"u8,
        }.WithHashes(1, "p"u8);
    }
}
