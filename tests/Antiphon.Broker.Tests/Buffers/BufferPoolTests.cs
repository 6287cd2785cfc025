using Antiphon.Broker.Buffers;

namespace Antiphon.Broker.Tests.Buffers;

public sealed class BufferPoolTests
{
    private readonly BufferPool _pool = new();

    [Theory]
    [InlineData(0, 64)]
    [InlineData(1, 64)]
    [InlineData(64, 64)]
    [InlineData(65, 128)]
    [InlineData(1024, 1024)]
    [InlineData(1025, 2048)]
    [InlineData(1024 * 1024, 1024 * 1024)]
    [InlineData(1024 * 1024 + 1, 2 * 1024 * 1024)]
    public void An_array_has_the_next_power_of_two(int asked, int given) => Assert.Equal(given, _pool.Rent(asked).Length);

    [Theory]
    [InlineData(1)]
    [InlineData(64)]
    [InlineData(1000)]
    [InlineData(1024 * 1024)]
    public void What_came_back_is_given_again(int size)
    {
        var buffer = _pool.Rent(size);
        var other = _pool.Rent(size);
        Assert.NotSame(buffer, other);

        _pool.Return(buffer);

        Assert.Same(buffer, _pool.Rent(buffer.Length));
        Assert.NotSame(buffer, _pool.Rent(buffer.Length));
    }

    [Fact]
    public void Arrays_of_more_than_a_mebibyte_are_not_kept()
    {
        var buffer = _pool.Rent(2 * 1024 * 1024);

        _pool.Return(buffer);

        Assert.NotSame(buffer, _pool.Rent(2 * 1024 * 1024));
    }
}
