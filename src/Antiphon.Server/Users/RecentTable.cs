namespace Antiphon.Server.Users;

/// <summary>
/// What was put last, up to a number of entries, by key. When it is full the older half goes at once.
/// Not safe from several threads.
/// </summary>
/// <typeparam name="T">What is kept.</typeparam>
/// <param name="maximum">How many entries there are at most.</param>
internal sealed class RecentTable<T>(int maximum)
    where T : struct
{
    private Dictionary<UInt128, T> _young = [];
    private Dictionary<UInt128, T> _old = [];

    public int Count => _young.Count + _old.Count;

    /// <summary>What is there, or nothing's default.</summary>
    public T Find(UInt128 key) => _young.TryGetValue(key, out var entry) ? entry : _old.GetValueOrDefault(key);

    public void Put(UInt128 key, T entry)
    {
        _old.Remove(key);
        if (_young.Count >= maximum / 2 && !_young.ContainsKey(key))
        {
            (_old, _young) = (_young, _old);
            _young.Clear();
        }

        _young[key] = entry;
    }
}
