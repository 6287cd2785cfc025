using System.Runtime.CompilerServices;

namespace Antiphon.Rpc.Responding.Remembering;

/// <summary>Byte strings of any length in blocks of one size, so that nothing is ever moved to make room. Not thread-safe.</summary>
internal sealed class ByteChains
{
    private const int BlockLength = 60;

    private readonly Slabs<Block> _blocks = new();

    /// <summary>How many bytes the chains take.</summary>
    public long Bytes => (long)_blocks.Count * Slabs<Block>.ItemSize;

    /// <summary>How many bytes a chain takes that is made longer by so many, at most.</summary>
    public static long SizeOf(long length) => ((length / BlockLength) + 1) * Slabs<Block>.ItemSize;

    /// <summary>Begins a chain of which nothing is written yet.</summary>
    public int Begin()
    {
        var first = _blocks.Take();
        _blocks[first].Next = Slabs<Block>.None;
        return first;
    }

    /// <summary>Goes to a place in a chain: to read on from there, or to append when it is the end.</summary>
    /// <param name="first">The chain.</param>
    /// <param name="position">How many bytes to pass over; no more than have been written.</param>
    public Place At(int first, int position = 0)
    {
        var block = first;
        while (position > BlockLength)
        {
            block = _blocks[block].Next;
            position -= BlockLength;
        }

        return new Place(this, block, position);
    }

    /// <summary>Gives a chain back.</summary>
    public void Free(int first)
    {
        while (first != Slabs<Block>.None)
        {
            var next = _blocks[first].Next;
            _blocks.Return(first);
            first = next;
        }
    }

    /// <summary>A place in a chain, which moves on as it is used.</summary>
    public ref struct Place(ByteChains chains, int block, int position)
    {
        private int _block = block;
        private int _position = position;

        /// <summary>Writes on, where the chain ends.</summary>
        public void Append(scoped ReadOnlySpan<byte> bytes)
        {
            while (bytes.Length > BlockLength - _position)
            {
                var part = BlockLength - _position;
                bytes[..part].CopyTo(Rest);
                bytes = bytes[part..];
                var next = chains.Begin();
                chains._blocks[_block].Next = next;
                _block = next;
                _position = 0;
            }

            bytes.CopyTo(Rest);
            _position += bytes.Length;
        }

        /// <summary>Reads on, as many bytes as are asked for.</summary>
        public void Read(scoped Span<byte> bytes)
        {
            while (bytes.Length > 0)
            {
                var part = Math.Min(bytes.Length, Available());
                Rest[..part].CopyTo(bytes);
                bytes = bytes[part..];
                _position += part;
            }
        }

        /// <summary>Reads on, and tells whether these bytes stand there.</summary>
        public bool Matches(scoped ReadOnlySpan<byte> bytes)
        {
            while (bytes.Length > 0)
            {
                var part = Math.Min(bytes.Length, Available());
                if (!Rest[..part].SequenceEqual(bytes[..part]))
                {
                    return false;
                }

                bytes = bytes[part..];
                _position += part;
            }

            return true;
        }

        private readonly Span<byte> Rest => ((Span<byte>)chains._blocks[_block].Content)[_position..];

        private int Available()
        {
            if (_position == BlockLength)
            {
                _block = chains._blocks[_block].Next;
                _position = 0;
            }

            return BlockLength - _position;
        }
    }

    [InlineArray(BlockLength)]
    private struct Content
    {
        private byte _first;
    }

    private struct Block : IChained
    {
        public Content Content;

        public int Next { get; set; }
    }
}
