namespace Antiphon.Rpc.Responding.Remembering;

/// <summary>
/// Which requests have been taken, and what was answered, so that one that comes again is answered again and not run again. Everything
/// stands in a few large arrays: remembering costs the garbage collector nothing. An answer is kept until the time of its request is up.
/// Where that takes more memory than is allowed, the oldest answers go first, and of each a mark stays that it was executed. Such a mark
/// also stays for a while when the time of a request is up whose key means it alone: a requester that was away may send it again all the
/// same. These marks are the first to go. Plain single-threaded state; time is passed in.
/// </summary>
internal sealed class AnswerMemory
{
    private const int None = Slabs<RememberedRequest>.None;

    // More than one that is added at a time, so that what is due cannot pile up.
    private const int StepsPerRequest = 8;
    private const int StepsForRoom = 64;

    /// <summary>For how long a mark of a request stays when its time is up: as long as clients' Sessions usually live.</summary>
    private static readonly TimeSpan MarkedFor = TimeSpan.FromMinutes(5);

    private readonly long _maximumBytes;
    private readonly Slabs<RememberedRequest> _items = new();
    private readonly ByteChains _chains = new();
    private readonly RememberedRequests _byHash;
    private readonly ForgettingWheel _wheel;
    private IndexList _withBytes;
    private IndexList _marks;
    private IndexList _over;

    /// <summary>Makes a memory that remembers nothing yet.</summary>
    /// <param name="maximumBytes">
    /// How many bytes to use; 0: none, and nothing is remembered. What runs counts too, but is never forgotten.
    /// </param>
    public AnswerMemory(long maximumBytes)
    {
        _maximumBytes = maximumBytes;
        _byHash = new RememberedRequests(_items, _chains);
        _wheel = new ForgettingWheel(_items);
    }

    /// <summary>What a mark takes, in bytes: an answer takes its key and itself besides.</summary>
    public static int MarkBytes => Slabs<RememberedRequest>.ItemSize + RememberedRequests.BytesPerItem;

    /// <summary>Whether anything is to be remembered.</summary>
    public bool IsOn => _maximumBytes > 0;

    /// <summary>Requests that are remembered, those that run included.</summary>
    public int Count => _items.Count;

    /// <summary>How many bytes they take.</summary>
    public long Bytes => ((long)Count * MarkBytes) + _chains.Bytes;

    /// <summary>How many have been forgotten before their time, so that they would be run again.</summary>
    public long ForgottenEarly { get; private set; }

    /// <summary>What is known of a request.</summary>
    public Known Find(in RequestKey key, TimeSpan now, out Memento memento)
    {
        var index = _byHash.Find(key);
        if (index != None && IsDue(index, now))
        {
            index = TimeIsUp(index, now) ? index : None;
        }

        if (index == None)
        {
            memento = default;
            return Known.Nothing;
        }

        memento = new Memento(index, _items[index].Version);
        return _items[index].State;
    }

    /// <summary>A request begins to run, or to wait for that. What had its key before is forgotten: it cannot come again.</summary>
    /// <param name="key">By what it is recognised.</param>
    /// <param name="forgetAt">When its time is up: nobody waits for its answer any more.</param>
    /// <param name="now">The time.</param>
    public Memento Begin(in RequestKey key, TimeSpan forgetAt, TimeSpan now)
    {
        ForgetDue(now, StepsPerRequest);
        if (_byHash.Find(key) is not None and var earlier)
        {
            Forget(earlier);
        }

        var index = _items.Take();
        ref var item = ref _items[index];
        item.Version = Math.Max(item.Version + 1, 1);
        item.State = Known.Running;
        item.IsUnique = key.IsUnique;
        item.IsOver = false;
        item.Hash = key.Hash;
        item.PayloadHash = key.PayloadHash;
        item.ForgetAt = forgetAt;
        item.Bytes = _chains.Begin();
        item.KeyLength = key.Length;
        item.PropertiesLength = item.PayloadLength = 0;
        var place = _chains.At(item.Bytes);
        key.AppendTo(ref place);
        _byHash.Add(index);
        KeepWithinBound(now);
        return new Memento(index, item.Version);
    }

    /// <summary>Says who runs a request that has begun.</summary>
    public void Assign(Memento memento, int owner)
    {
        if (IsRunning(memento))
        {
            _items[memento.Index].Owner = owner;
        }
    }

    /// <summary>Who runs a request that is <see cref="Known.Running"/>.</summary>
    public int OwnerOf(Memento memento) => _items[memento.Index].Owner;

    /// <summary>A request has been answered. Nothing happens where it has been forgotten.</summary>
    public void Answered(Memento memento, scoped ReadOnlySpan<byte> properties, scoped ReadOnlySpan<byte> payload, TimeSpan now)
    {
        if (!IsRunning(memento))
        {
            return;
        }

        // Room is made before it is taken: memory that was taken once is kept.
        var size = ByteChains.SizeOf(properties.Length + (long)payload.Length);
        KeepWithinBound(now, size);
        if (Bytes + size > _maximumBytes)
        {
            End(memento.Index, Known.Answered, now);
            if (_items[memento.Index].Version == memento.Version && _items[memento.Index].Bytes != None)
            {
                Strip(memento.Index);
            }
        }
        else
        {
            ref var item = ref _items[memento.Index];
            item.PropertiesLength = properties.Length;
            item.PayloadLength = payload.Length;
            var place = _chains.At(item.Bytes, item.KeyLength);
            place.Append(properties);
            place.Append(payload);
            End(memento.Index, Known.Answered, now);
        }
    }

    /// <summary>A request has been turned away and has not run. Nothing happens where it has been forgotten.</summary>
    public void Refused(Memento memento, TimeSpan now)
    {
        if (IsRunning(memento))
        {
            End(memento.Index, Known.Refused, now);
        }
    }

    /// <summary>A request has ended without an answer. Nothing happens where it has been forgotten.</summary>
    public void Unanswered(Memento memento, TimeSpan now)
    {
        if (IsRunning(memento))
        {
            End(memento.Index, Known.Unanswered, now);
        }
    }

    /// <summary>How long an answer is, its properties and its payload together.</summary>
    public int LengthOf(Memento memento) => _items[memento.Index].PropertiesLength + _items[memento.Index].PayloadLength;

    /// <summary>Reads an answer: its properties, and then its payload.</summary>
    /// <returns>How many bytes are properties.</returns>
    public int Read(Memento memento, scoped Span<byte> answer)
    {
        ref var item = ref _items[memento.Index];
        _chains.At(item.Bytes, item.KeyLength).Read(answer);
        return item.PropertiesLength;
    }

    private bool IsRunning(Memento memento) =>
        memento.Version != 0 && _items[memento.Index].Version == memento.Version && _items[memento.Index].State == Known.Running;

    private bool IsDue(int index, TimeSpan now) => _items[index].State != Known.Running && _items[index].ForgetAt <= now;

    private void End(int index, Known state, TimeSpan now)
    {
        _items[index].State = state;
        _wheel.Add(index);
        _withBytes.AddLast<RememberedRequest, RememberedRequest.ByAge>(_items, index);
        KeepWithinBound(now);
    }

    private void ForgetDue(TimeSpan now, int steps)
    {
        while (_over.Count > 0 && steps > 0 && _items[_over.First].ForgetAt <= now)
        {
            steps--;
            Forget(_over.First);
        }

        while (_wheel.FindDue(now, ref steps) is not None and var index)
        {
            TimeIsUp(index, now);
        }
    }

    /// <summary>The time of a request is up, or that of its mark: leaves a mark, or forgets it.</summary>
    /// <returns>Whether a mark is left.</returns>
    private bool TimeIsUp(int index, TimeSpan now)
    {
        if (_items[index] is { IsOver: true } or { IsUnique: false } || _items[index].ForgetAt + MarkedFor <= now)
        {
            Forget(index);
            return false;
        }

        if (_items[index].Bytes != None)
        {
            Strip(index);
        }

        _wheel.Remove(index);
        _marks.Remove<RememberedRequest, RememberedRequest.ByAge>(_items, index);
        _over.AddLast<RememberedRequest, RememberedRequest.ByAge>(_items, index);
        _items[index].IsOver = true;
        _items[index].ForgetAt = now + MarkedFor;
        while (_over.First != index && !MarksHaveRoom())
        {
            Forget(_over.First);
        }

        return true;
    }

    /// <summary>Marks are small, and may take a quarter.</summary>
    private bool MarksHaveRoom() => (_marks.Count + (long)_over.Count) * MarkBytes <= _maximumBytes / 4;

    private void KeepWithinBound(TimeSpan now, long size = 0)
    {
        if (Bytes + size > _maximumBytes)
        {
            ForgetDue(now, StepsForRoom);
        }

        while (Bytes + size > _maximumBytes)
        {
            if (_over.Count > 0)
            {
                Forget(_over.First);
            }
            else if (_withBytes.Count > 0 && MarksHaveRoom())
            {
                Strip(_withBytes.First);
            }
            else if (_marks.Count > 0)
            {
                ForgottenEarly++;
                Forget(_marks.First);
            }
            else
            {
                return;
            }
        }
    }

    /// <summary>Leaves a mark of a request that has ended.</summary>
    private void Strip(int index)
    {
        ref var item = ref _items[index];
        _chains.Free(item.Bytes);
        item.Bytes = None;
        item.State = item.State == Known.Answered ? Known.Executed : item.State;
        _withBytes.Remove<RememberedRequest, RememberedRequest.ByAge>(_items, index);
        _marks.AddLast<RememberedRequest, RememberedRequest.ByAge>(_items, index);
    }

    private void Forget(int index)
    {
        ref var item = ref _items[index];
        _byHash.Remove(index);
        if (item.IsOver)
        {
            _over.Remove<RememberedRequest, RememberedRequest.ByAge>(_items, index);
        }
        else if (item.State != Known.Running)
        {
            _wheel.Remove(index);
            ref var list = ref item.Bytes == None ? ref _marks : ref _withBytes;
            list.Remove<RememberedRequest, RememberedRequest.ByAge>(_items, index);
        }

        if (item.Bytes != None)
        {
            _chains.Free(item.Bytes);
        }

        item.Version++;
        _items.Return(index);
    }
}
