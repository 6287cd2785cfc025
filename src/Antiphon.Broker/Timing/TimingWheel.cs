using System.Numerics;

namespace Antiphon.Broker.Timing;

/// <summary>Something that is due at an instant. Set in a <see cref="TimingWheel"/>; its owner is told when it is due.</summary>
/// <param name="owner">Whom it belongs to.</param>
internal sealed class Deadline(object owner)
{
    public object Owner { get; } = owner;

    public Instant Due { get; internal set; }

    public bool IsSet => Slot is not null;

    /// <summary>The list that it stands in.</summary>
    internal DeadlineSlot? Slot { get; set; }

    internal Deadline? Previous { get; set; }

    internal Deadline? Next { get; set; }
}

/// <summary>
/// All deadlines of the broker: setting and cancelling cost O(1), whatever their number. A deadline fires up to one tick late, never early.
/// One that lies further ahead than the wheel is wide stays in its slot and is passed over once per turn of the wheel.
/// Very many may stand in one slot: they are looked at in as many calls as it takes.
/// </summary>
internal sealed class TimingWheel
{
    private const int Slots = 4096;

    /// <summary>32 ms: with 4,096 slots one turn is 131 seconds.</summary>
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(32);

    private readonly DeadlineSlot[] _slots = [.. Enumerable.Range(0, Slots).Select(_ => new DeadlineSlot())];
    private readonly ulong[] _occupied = new ulong[Slots / 64];

    // The slot whose tick has come; an empty one has taken its place in the wheel.
    private DeadlineSlot _firing = new();
    private long _tick;
    private int _count;

    public void Set(Deadline deadline, Instant due)
    {
        Cancel(deadline);
        if (due == Instant.Never)
        {
            return;
        }

        deadline.Due = due;
        Link(deadline);
        _count++;
    }

    public void Cancel(Deadline deadline)
    {
        if (deadline.IsSet)
        {
            Unlink(deadline);
            _count--;
        }
    }

    /// <summary>
    /// When <see cref="TryTakeDue"/> has to be asked again at the latest; <see cref="Instant.Never"/> when nothing is set.
    /// </summary>
    public Instant NextVisit()
    {
        if (_firing.First is not null)
        {
            return new Instant(TimeSpan.Zero);
        }

        return _count == 0 ? Instant.Never : new Instant(Tick * NextOccupiedTick());
    }

    /// <summary>Takes one deadline that is due, in the order of their ticks. Call it until there is none.</summary>
    /// <param name="now">The current instant.</param>
    /// <param name="looks">
    /// How many deadlines may be looked at, and how many of them are left; with none left, there may be more that are due.
    /// </param>
    public Deadline? TryTakeDue(Instant now, ref int looks)
    {
        var nowTick = now.Elapsed.Ticks / Tick.Ticks;
        while (true)
        {
            while (_firing.First is { } deadline)
            {
                if (looks <= 0)
                {
                    return null;
                }

                looks--;
                Unlink(deadline);
                if (TickAfter(deadline.Due) <= _tick)
                {
                    _count--;
                    return deadline;
                }

                Link(deadline);
            }

            if (_tick >= nowTick)
            {
                return null;
            }

            _tick = _count == 0 ? nowTick : Math.Min(NextOccupiedTick(), nowTick);
            Fire((int)(_tick % Slots));
        }
    }

    /// <summary>The first tick at which the instant has been reached.</summary>
    private static long TickAfter(Instant due) => (due.Elapsed.Ticks + Tick.Ticks - 1) / Tick.Ticks;

    private long NextOccupiedTick()
    {
        var start = (int)((_tick + 1) % Slots);
        for (var i = 0; i <= Slots / 64; i++)
        {
            var word = (start / 64 + i) % (Slots / 64);
            var bits = _occupied[word];
            if (i == 0)
            {
                bits &= ulong.MaxValue << (start % 64);
            }

            if (bits != 0)
            {
                var slot = word * 64 + BitOperations.TrailingZeroCount(bits);
                return _tick + 1 + (slot - start + Slots) % Slots;
            }
        }

        return _tick + Slots;
    }

    /// <summary>
    /// The tick of a slot has come. The slots change places, so it takes the same time however many deadlines stand there.
    /// </summary>
    private void Fire(int slot)
    {
        (_slots[slot], _firing) = (_firing, _slots[slot]);
        _slots[slot].Index = slot;
        _firing.Index = DeadlineSlot.Firing;
        _occupied[slot / 64] &= ~(1UL << (slot % 64));
    }

    private void Link(Deadline deadline)
    {
        var index = (int)(Math.Max(TickAfter(deadline.Due), _tick + 1) % Slots);
        var slot = _slots[index];
        var first = slot.First;
        deadline.Slot = slot;
        deadline.Previous = null;
        deadline.Next = first;
        if (first is not null)
        {
            first.Previous = deadline;
        }

        slot.First = deadline;
        slot.Index = index;
        _occupied[index / 64] |= 1UL << (index % 64);
    }

    private void Unlink(Deadline deadline)
    {
        var slot = deadline.Slot!;
        if (deadline.Previous is null)
        {
            slot.First = deadline.Next;
        }
        else
        {
            deadline.Previous.Next = deadline.Next;
        }

        if (deadline.Next is not null)
        {
            deadline.Next.Previous = deadline.Previous;
        }

        if (slot.First is null && slot.Index != DeadlineSlot.Firing)
        {
            _occupied[slot.Index / 64] &= ~(1UL << (slot.Index % 64));
        }

        deadline.Slot = null;
        deadline.Previous = null;
        deadline.Next = null;
    }
}

/// <summary>Deadlines that fall into the same tick of the wheel, in any of its turns.</summary>
internal sealed class DeadlineSlot
{
    /// <summary>The <see cref="Index"/> of the slot whose tick has come.</summary>
    public const int Firing = -1;

    public Deadline? First { get; set; }

    /// <summary>Where in the wheel it stands.</summary>
    public int Index { get; set; }
}
