using Antiphon.Rpc.Responding.Remembering;

namespace Antiphon.Rpc.Tests.Responding.Remembering;

public sealed class ByteChainsTests
{
    private readonly ByteChains _chains = new();

    [Fact]
    public void What_was_appended_is_read_whatever_the_lengths()
    {
        var random = new Random(1);
        for (var length = 0; length < 300; length++)
        {
            var bytes = new byte[length];
            random.NextBytes(bytes);
            var first = _chains.Begin();
            var place = _chains.At(first);
            for (var done = 0; done < length;)
            {
                var part = Math.Min(length - done, random.Next(1, 150));
                place.Append(bytes.AsSpan(done, part));
                done += part;
            }

            for (var from = 0; from <= length; from++)
            {
                var read = new byte[length - from];
                _chains.At(first, from).Read(read);
                Assert.Equal(bytes[from..], read);
                Assert.True(_chains.At(first, from).Matches(read));
            }

            _chains.Free(first);
        }

        Assert.Equal(0, _chains.Bytes);
    }

    [Fact]
    public void Appending_goes_on_where_an_earlier_visit_ended()
    {
        for (var length = 0; length < 200; length++)
        {
            var first = _chains.Begin();
            var key = Enumerable.Repeat((byte)1, length).ToArray();
            var place = _chains.At(first);
            place.Append(key);
            place = _chains.At(first, length);
            place.Append("answer"u8);

            place = _chains.At(first);
            Assert.True(place.Matches(key));
            Assert.True(place.Matches("answer"u8));
        }
    }

    [Fact]
    public void Bytes_that_differ_anywhere_do_not_match()
    {
        var first = _chains.Begin();
        var place = _chains.At(first);
        var bytes = new byte[130];
        place.Append(bytes);
        for (var i = 0; i < bytes.Length; i++)
        {
            bytes[i] = 1;
            Assert.False(_chains.At(first).Matches(bytes));
            bytes[i] = 0;
        }
    }
}
