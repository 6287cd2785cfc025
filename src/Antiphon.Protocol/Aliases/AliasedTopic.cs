namespace Antiphon.Protocol.Aliases;

/// <summary>The Topic Name behind one Topic Alias. Its bytes are written over when the alias comes to mean another topic.</summary>
internal struct AliasedTopic
{
    private const int ArrayOverhead = 24;

    private byte[]? _bytes;
    private int _length;

    /// <summary>The Topic Name in UTF-8, valid until the next <see cref="Set"/>; empty: the alias means nothing yet.</summary>
    public readonly ReadOnlySpan<byte> Name => _bytes.AsSpan(0, _length);

    /// <summary>What it takes in memory, in bytes; 0: nothing yet.</summary>
    public readonly int Size => _bytes?.Length ?? 0;

    /// <summary>How much memory it takes more to <see cref="Set"/> that topic, in bytes.</summary>
    public readonly int CostOf(ReadOnlySpan<byte> topic) =>
        _bytes is null ? topic.Length + ArrayOverhead : Math.Max(0, topic.Length - _bytes.Length);

    /// <summary>From now on the alias means that topic. Allocates only for a topic that is longer than all before it.</summary>
    public void Set(ReadOnlySpan<byte> topic)
    {
        if (_bytes is null || _bytes.Length < topic.Length)
        {
            _bytes = new byte[topic.Length];
        }

        topic.CopyTo(_bytes);
        _length = topic.Length;
    }
}
