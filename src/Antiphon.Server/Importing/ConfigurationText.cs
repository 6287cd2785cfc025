using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Antiphon.Broker.Access;

namespace Antiphon.Server.Importing;

/// <summary>Writes a configuration file for people to read on: each setting below the place that it comes from.</summary>
internal sealed class ConfigurationText
{
    private static readonly (Permissions Permission, string Word)[] Words =
    [
        (Permissions.Publish, "publish"),
        (Permissions.Subscribe, "subscribe"),
        (Permissions.Request, "request"),
        (Permissions.Respond, "respond"),
    ];

    private readonly List<string> _sections = [];

    /// <summary>A member of the whole.</summary>
    /// <param name="place">Where it comes from; <c>null</c>: nothing in particular.</param>
    /// <param name="name">Its name.</param>
    /// <param name="json">Its value.</param>
    public void Add(string? place, string name, string json) => _sections.Add($"{Comment("  ", place)}  {Quote(name)}: {json}");

    /// <summary>A member that holds others, one a line.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="items">Where each comes from, and what it is.</param>
    /// <param name="isList">Whether it is a list, and not an object.</param>
    public void Add(string name, IReadOnlyCollection<(string? Place, string Json)> items, bool isList)
    {
        if (items.Count > 0)
        {
            var lines = string.Join(",\n", items.Select(item => $"{Comment("    ", item.Place)}    {item.Json}"));
            _sections.Add($"  {Quote(name)}: {(isList ? '[' : '{')}\n{lines}\n  {(isList ? ']' : '}')}");
        }
    }

    public static string Member(string name, string json) => $"{Quote(name)}: {json}";

    public static string Object(IEnumerable<(string Name, string Text)> members) =>
        $"{{ {string.Join(", ", members.Select(member => Member(member.Name, Quote(member.Text))))} }}";

    public static string Rule(AccessRule rule)
    {
        var permissions = Words.Where(one => rule.Permissions.HasFlag(one.Permission)).Select(one => Quote(one.Word));
        return $"{{ {Quote(rule.Allows ? "allow" : "deny")}: [ {string.Join(", ", permissions)} ], "
            + $"\"topics\": [ {List(rule.Topics)} ], \"to\": [ {List(rule.To)} ] }}";
    }

    public static string Quote(string text) => $"\"{JsonEncodedText.Encode(text, JavaScriptEncoder.UnsafeRelaxedJsonEscaping)}\"";

    /// <summary>The whole.</summary>
    /// <param name="head">What it says at its head, a line each.</param>
    public string ToText(IEnumerable<string> head)
    {
        var text = new StringBuilder();
        foreach (var line in head)
        {
            text.Append("// ").Append(OneLine(line)).Append('\n');
        }

        return text.Append("{\n").AppendJoin(",\n", _sections).Append("\n}\n").ToString();
    }

    private static string List(IEnumerable<string> texts) => string.Join(", ", texts.Select(Quote));

    private static string Comment(string indent, string? place) => place is null ? "" : $"{indent}// {OneLine(place)}\n";

    /// <summary>The name of a file may have line ends in it, and a comment ends with its line.</summary>
    private static string OneLine(string text) => text.ReplaceLineEndings(" ");
}
