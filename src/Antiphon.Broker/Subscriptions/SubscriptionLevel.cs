using Antiphon.Broker.Listing;

namespace Antiphon.Broker.Subscriptions;

/// <summary>One level of the <see cref="SubscriptionTree"/>.</summary>
/// <param name="parent">The level above; <c>null</c>: it is the root.</param>
/// <param name="name">Its name in UTF-8.</param>
internal sealed class SubscriptionLevel(SubscriptionLevel? parent, byte[] name)
{
    private Dictionary<byte[], SubscriptionLevel>? _children;
    private Dictionary<byte[], SubscriptionLevel>.AlternateLookup<ReadOnlySpan<byte>> _lookup;
    private List<Subscription>? _subscriptions;
    private Dictionary<string, ShareGroup>? _groupsByName;
    private List<ShareGroup>? _groups;

    public SubscriptionLevel? Parent { get; } = parent;

    public byte[] Name { get; } = name;

    public SubscriptionLevel? Single { get; private set; }

    public SubscriptionLevel? Multi { get; private set; }

    /// <summary>Its subscriptions that are not shared, in no order; <c>null</c>: there has been none yet.</summary>
    public List<Subscription>? Subscriptions => _subscriptions;

    /// <summary>Its share groups, in no order; <c>null</c>: there has been none yet.</summary>
    public List<ShareGroup>? Groups => _groups;

    public bool IsEmpty =>
        _children is not { Count: > 0 }
            && Single is null
            && Multi is null
            && _subscriptions is not { Count: > 0 }
            && _groups is not { Count: > 0 };

    /// <summary>Whether it has a table of children, which it keeps when they have gone.</summary>
    public bool HasChildren => _children is not null;

    public void Add(Subscription subscription) => (_subscriptions ??= new List<Subscription>(1)).Join(subscription);

    public void Remove(Subscription subscription) => _subscriptions!.Leave(subscription);

    /// <summary>The share group of that name, which begins now if there is none.</summary>
    public ShareGroup Group(string shareName)
    {
        _groupsByName ??= new Dictionary<string, ShareGroup>(StringComparer.Ordinal);
        if (!_groupsByName.TryGetValue(shareName, out var group))
        {
            group = new ShareGroup(shareName) { Place = _groupsByName.Count };
            _groupsByName.Add(shareName, group);
            (_groups ??= new List<ShareGroup>(1)).Add(group);
        }

        return group;
    }

    /// <summary>The group has no member left.</summary>
    public void Remove(ShareGroup group)
    {
        // Who has left before it was taken out of the tree may be the last of a group that has begun anew since.
        if (!_groupsByName!.TryGetValue(group.Name, out var held) || held != group)
        {
            return;
        }

        _groupsByName.Remove(group.Name);
        var last = _groups![^1];
        last.Place = group.Place;
        _groups[group.Place] = last;
        _groups.RemoveAt(_groups.Count - 1);
    }

    public SubscriptionLevel Child(byte[] name, Utf8Comparer comparer, out bool isNew)
    {
        isNew = false;
        if (Find(name) is { } existing)
        {
            return existing;
        }

        isNew = true;
        var child = new SubscriptionLevel(this, name);
        if (name is [(byte)'+'])
        {
            Single = child;
        }
        else if (name is [(byte)'#'])
        {
            Multi = child;
        }
        else
        {
            if (_children is null)
            {
                _children = new Dictionary<byte[], SubscriptionLevel>(comparer);
                _lookup = _children.GetAlternateLookup<ReadOnlySpan<byte>>();
            }

            _children.Add(name, child);
        }

        return child;
    }

    public SubscriptionLevel? Find(byte[] name) => name switch
    {
        [(byte)'+'] => Single,
        [(byte)'#'] => Multi,
        _ => TryGetChild(name, out var child) ? child : null,
    };

    public bool TryGetChild(ReadOnlySpan<byte> name, out SubscriptionLevel child)
    {
        child = null!;
        return _children is not null && _lookup.TryGetValue(name, out child!);
    }

    public void RemoveChild(byte[] name)
    {
        if (name is [(byte)'+'])
        {
            Single = null;
        }
        else if (name is [(byte)'#'])
        {
            Multi = null;
        }
        else
        {
            _children!.Remove(name);
        }
    }
}
