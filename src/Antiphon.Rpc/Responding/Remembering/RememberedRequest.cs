namespace Antiphon.Rpc.Responding.Remembering;

/// <summary>What is known of a request that has come again.</summary>
internal enum Known : byte
{
    /// <summary>Nothing: it is new, or has been forgotten.</summary>
    Nothing,

    /// <summary>It runs, or waits for its handler.</summary>
    Running,

    /// <summary>It was answered, and the answer is there.</summary>
    Answered,

    /// <summary>It was answered, and the answer had to make room.</summary>
    Executed,

    /// <summary>It ended without an answer: it asked for none, or its time was up.</summary>
    Unanswered,

    /// <summary>It was turned away, and has not run.</summary>
    Refused,
}

/// <summary>
/// A remembered request. What it refers to is used again; the version tells whether it still means the same one. The default value means
/// none.
/// </summary>
internal readonly record struct Memento(int Index, uint Version);

/// <summary>
/// A request that an <see cref="AnswerMemory"/> remembers. The strings stand in chains of bytes: its key, and behind it properties and
/// payload of its answer.
/// </summary>
internal struct RememberedRequest : IChained
{
    /// <summary>Changes each time that this is used again; never 0.</summary>
    public uint Version;

    public Known State;

    /// <summary>Whether its key means it alone, for ever (<see cref="RequestKey.IsUnique"/>).</summary>
    public bool IsUnique;

    /// <summary>Whether its time is up, so that only a mark is left of it.</summary>
    public bool IsOver;

    public ulong Hash;
    public ulong PayloadHash;

    /// <summary>When its time is up; afterwards, when the mark of it goes.</summary>
    public TimeSpan ForgetAt;

    /// <summary>Who runs it, while somebody does.</summary>
    public int Owner;

    /// <summary>The chain of its bytes; none once it had to make room.</summary>
    public int Bytes;

    public int KeyLength;
    public int PropertiesLength;
    public int PayloadLength;

    /// <summary>Among those that may be forgotten at the same time.</summary>
    public Links SameTime;

    /// <summary>Among those with an answer, those without, or those whose time is up, the oldest first.</summary>
    public Links Older;

    /// <summary>The next one whose hash leads to the same place.</summary>
    public int Next { get; set; }

    internal readonly struct BySameTime : ILinksOf<RememberedRequest>
    {
        public static ref Links Of(ref RememberedRequest item) => ref item.SameTime;
    }

    internal readonly struct ByAge : ILinksOf<RememberedRequest>
    {
        public static ref Links Of(ref RememberedRequest item) => ref item.Older;
    }
}
