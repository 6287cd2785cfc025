using Antiphon.Rpc.Responding;

namespace Antiphon.Rpc.Tests.Responding;

public sealed class RequestQueueTests
{
    private readonly RequestQueue _queue = new(maximumRunning: 2, maximumWaiting: 3);

    [Fact]
    public void Requests_are_taken_in_their_order_as_long_as_not_too_many_run()
    {
        var requests = Add(4);

        Assert.True(_queue.TryTake(out var next));
        Assert.Same(requests[0], next);
        Assert.True(_queue.TryTake(out next));
        Assert.Same(requests[1], next);
        Assert.False(_queue.TryTake(out _));
        _queue.Ended();
        Assert.True(_queue.TryTake(out next));
        Assert.Same(requests[2], next);
        Assert.Equal((2, 1), (_queue.Running, _queue.Waiting));
    }

    [Fact]
    public void There_is_room_for_those_that_run_and_those_that_wait()
    {
        Add(4);
        Assert.True(_queue.HasRoom);
        Add(1);
        Assert.False(_queue.HasRoom);
        _queue.TryTake(out _);
        Assert.False(_queue.HasRoom);
        _queue.Ended();
        Assert.True(_queue.HasRoom);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public void One_that_waits_no_longer_is_passed_over(int removed)
    {
        var requests = Add(3);
        _queue.Remove(requests[removed]);

        foreach (var request in requests.Where(request => request != requests[removed]))
        {
            Assert.True(_queue.TryTake(out var next));
            Assert.Same(request, next);
        }

        _queue.Ended();
        Assert.False(_queue.TryTake(out _));
        var later = Add(1);
        Assert.True(_queue.TryTake(out var last));
        Assert.Same(later[0], last);
    }

    [Fact]
    public void One_worker_is_asked_for_at_a_time_and_only_where_there_is_something_to_run()
    {
        Assert.False(_queue.TryAskForWorker());
        Add(3);
        Assert.True(_queue.TryAskForWorker());
        Assert.False(_queue.TryAskForWorker());

        _queue.WorkerIsHere();
        _queue.TryTake(out _);
        Assert.True(_queue.TryAskForWorker());
        _queue.WorkerIsHere();
        _queue.TryTake(out _);
        Assert.False(_queue.TryAskForWorker());
        _queue.Ended();
        Assert.True(_queue.TryAskForWorker());
    }

    private List<ReceivedRequest> Add(int count)
    {
        var requests = Enumerable.Range(0, count).Select(number => new ReceivedRequest(null!, number)).ToList();
        requests.ForEach(_queue.Add);
        return requests;
    }
}
