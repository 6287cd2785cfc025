using Antiphon.Rpc.Timing;

namespace Antiphon.Rpc.Tests.Timing;

public sealed class DeadlineQueueTests
{
    [Fact]
    public void Items_come_out_by_deadline_whatever_was_taken_out_before()
    {
        var random = new Random(1);
        var queue = new DeadlineQueue<Item>();
        var items = Enumerable.Range(0, 1000).Select(_ => new Item(TimeSpan.FromTicks(random.Next(500)))).ToList();
        items.ForEach(queue.Add);
        foreach (var item in items.Where((_, index) => index % 3 == 0))
        {
            queue.Remove(item);
            Assert.Equal(-1, item.QueueIndex);
        }

        var expected = items.Where((_, index) => index % 3 != 0).Select(item => item.Deadline).Order();
        var taken = new List<TimeSpan>();
        while (queue.TryTakeDue(TimeSpan.MaxValue, out var item))
        {
            Assert.True(queue.Next is null || queue.Next >= item.Deadline);
            taken.Add(item.Deadline);
        }

        Assert.Equal(expected, taken);
    }

    [Fact]
    public void What_is_not_due_stays()
    {
        var queue = new DeadlineQueue<Item>();
        queue.Add(new Item(TimeSpan.FromTicks(2)));

        Assert.False(queue.TryTakeDue(TimeSpan.FromTicks(1), out _));
        Assert.True(queue.TryTakeDue(TimeSpan.FromTicks(2), out _));
        Assert.Null(queue.Next);
    }

    [Fact]
    public void An_item_that_is_in_no_queue_can_be_taken_out_without_harm()
    {
        var queue = new DeadlineQueue<Item>();
        queue.Add(new Item(TimeSpan.Zero));
        queue.Remove(new Item(TimeSpan.Zero));

        Assert.Equal(1, queue.Count);
    }

    private sealed class Item(TimeSpan deadline) : IDeadline
    {
        public TimeSpan Deadline { get; } = deadline;

        public int QueueIndex { get; set; } = -1;
    }
}
