namespace Antiphon.Rpc.Responding.Remembering;

/// <summary>
/// When remembered requests may be forgotten: a wheel of lists, one for each tenth of a second, so that adding and removing cost the same
/// however many there are. One that lies further ahead than the wheel is wide is passed over once per turn. Forgetting late does no harm,
/// so that it goes on in small steps.
/// </summary>
internal sealed class ForgettingWheel(Slabs<RememberedRequest> items)
{
    private const int Slots = 1024;
    private const int BitsOfTick = 20;

    private readonly IndexList[] _slots = new IndexList[Slots];
    private long _hand;
    private int _left;

    public void Add(int index) => Slot(index).AddLast<RememberedRequest, RememberedRequest.BySameTime>(items, index);

    public void Remove(int index) => Slot(index).Remove<RememberedRequest, RememberedRequest.BySameTime>(items, index);

    /// <summary>Looks for one that may be forgotten.</summary>
    /// <param name="now">The time.</param>
    /// <param name="steps">How many to look at, at most.</param>
    /// <returns>Its index, to be removed by the caller; none: there is none, or it was not found within so many steps.</returns>
    public int FindDue(TimeSpan now, ref int steps)
    {
        var last = now.Ticks >> BitsOfTick;
        if (last - _hand > Slots)
        {
            // After a long pause one turn is enough to see them all.
            MoveTo(last - Slots);
        }

        while (true)
        {
            ref var slot = ref _slots[_hand & (Slots - 1)];
            while (_left > 0 && slot.Count > 0 && steps > 0)
            {
                _left--;
                steps--;
                var index = slot.First;
                if (items[index].ForgetAt <= now)
                {
                    return index;
                }

                slot.Remove<RememberedRequest, RememberedRequest.BySameTime>(items, index);
                slot.AddLast<RememberedRequest, RememberedRequest.BySameTime>(items, index);
            }

            if (steps == 0 || _hand >= last)
            {
                return Slabs<RememberedRequest>.None;
            }

            MoveTo(_hand + 1);
        }
    }

    private void MoveTo(long tick)
    {
        _hand = tick;
        _left = _slots[tick & (Slots - 1)].Count;
    }

    private ref IndexList Slot(int index) => ref _slots[(items[index].ForgetAt.Ticks >> BitsOfTick) & (Slots - 1)];
}
