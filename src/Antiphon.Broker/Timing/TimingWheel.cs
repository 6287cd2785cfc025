using System.Numerics;

namespace Antiphon.Broker.Timing;

/// <summary>Something that is due at an instant. Set in a <see cref="TimingWheel"/>; its owner is told when it is due.</summary>
/// <param name="owner">Whom it belongs to.</param>
internal sealed class Deadline(object owner)
{
    internal const int NotSet = -1;

    public object Owner { get; } = owner;

    public Instant Due { get; internal set; }

    public bool IsSet => Slot != NotSet;

    internal int Slot { get; set; } = NotSet;

    internal Deadline? Previous { get; set; }

    internal Deadline? Next { get; set; }
}

/// <summary>
/// All deadlines of the broker: setting and cancelling cost O(1), whatever their number. A deadline fires up to one tick late, never early.
/// One that lies further ahead than the wheel is wide stays in its slot and is passed over once per turn.
/// </summary>
internal sealed class TimingWheel
{
    private const int Slots = 4096;
    private const int Firing = Slots;

    /// <summary>32 ms: with 4,096 slots one turn is 131 seconds.</summary>
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(32);

    private readonly Deadline?[] _heads = new Deadline?[Slots + 1];
    private readonly ulong[] _occupied = new ulong[Slots / 64];
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
        Link(deadline, (int)(Math.Max(TickAfter(due), _tick + 1) % Slots));
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
        if (_heads[Firing] is not null)
        {
            return new Instant(TimeSpan.Zero);
        }

        return _count == 0 ? Instant.Never : new Instant(Tick * NextOccupiedTick());
    }

    /// <summary>Takes one deadline that is due, in the order of their ticks. Call it until there is none.</summary>
    public Deadline? TryTakeDue(Instant now)
    {
        var nowTick = now.Elapsed.Ticks / Tick.Ticks;
        while (true)
        {
            while (_heads[Firing] is { } deadline)
            {
                Unlink(deadline);
                if (TickAfter(deadline.Due) <= _tick)
                {
                    _count--;
                    return deadline;
                }

                Link(deadline, (int)(TickAfter(deadline.Due) % Slots));
            }

            if (_tick >= nowTick)
            {
                return null;
            }

            _tick = _count == 0 ? nowTick : Math.Min(NextOccupiedTick(), nowTick);
            MoveToFiring((int)(_tick % Slots));
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

    private void MoveToFiring(int slot)
    {
        while (_heads[slot] is { } deadline)
        {
            Unlink(deadline);
            Link(deadline, Firing);
        }
    }

    private void Link(Deadline deadline, int slot)
    {
        var head = _heads[slot];
        deadline.Slot = slot;
        deadline.Previous = null;
        deadline.Next = head;
        if (head is not null)
        {
            head.Previous = deadline;
        }

        _heads[slot] = deadline;
        if (slot != Firing)
        {
            _occupied[slot / 64] |= 1UL << (slot % 64);
        }
    }

    private void Unlink(Deadline deadline)
    {
        var slot = deadline.Slot;
        if (deadline.Previous is null)
        {
            _heads[slot] = deadline.Next;
        }
        else
        {
            deadline.Previous.Next = deadline.Next;
        }

        if (deadline.Next is not null)
        {
            deadline.Next.Previous = deadline.Previous;
        }

        if (slot != Firing && _heads[slot] is null)
        {
            _occupied[slot / 64] &= ~(1UL << (slot % 64));
        }

        deadline.Slot = Deadline.NotSet;
        deadline.Previous = null;
        deadline.Next = null;
    }
}
