namespace Antiphon.Server.Configuration;

/// <summary>What a value was written as.</summary>
internal enum NodeKind
{
    Object,
    Array,
    String,
    Number,
    Boolean,
    Null,

    /// <summary>Text from outside the file, where everything is text: it is whatever is wanted there.</summary>
    Plain,
}

/// <summary>A value of a configuration with the place where it stands. It changes only while overrides are put into it.</summary>
/// <param name="kind">What it was written as.</param>
/// <param name="place">Where it stands.</param>
/// <param name="path">Its name in full, such as <c>listeners[0].url</c>; empty: it is the whole.</param>
/// <param name="text">The value, of those that hold no others.</param>
internal sealed class Node(NodeKind kind, Place place, string path, string text = "")
{
    public NodeKind Kind { get; } = kind;

    public Place Place { get; } = place;

    public string Path { get; } = path;

    public string Text { get; } = text;

    /// <summary>Of an object, in the order of the file.</summary>
    public List<Member> Members { get; } = [];

    /// <summary>Of an array.</summary>
    public List<Node> Items { get; } = [];

    /// <summary>What it is, in a sentence.</summary>
    public string Noun => Kind switch
    {
        NodeKind.Object => "an object",
        NodeKind.Array => "a list",
        NodeKind.String => $"the text «{Text}»",
        NodeKind.Plain => $"«{Text}»",
        NodeKind.Null => "null",
        _ => Text,
    };

    public string PathOf(string member) => Path.Length == 0 ? member : $"{Path}.{member}";

    /// <summary>A member, in whatever case its name is written; <c>null</c>: there is none.</summary>
    public Member? FindMember(string member) =>
        Members.Find(one => string.Equals(one.Name, member, StringComparison.OrdinalIgnoreCase));

    /// <summary>A member's value; <c>null</c>: there is none.</summary>
    public Node? Find(string member) => FindMember(member)?.Value;

    /// <summary>Where a member's value stands, or this, where there is none.</summary>
    public Place PlaceOf(string member) => Find(member)?.Place ?? Place;
}

/// <summary>A named value in an object.</summary>
/// <param name="Name">Its name.</param>
/// <param name="NamePlace">Where the name stands.</param>
/// <param name="Value">Its value.</param>
internal sealed record Member(string Name, Place NamePlace, Node Value);
