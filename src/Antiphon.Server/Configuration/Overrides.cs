using System.Globalization;
using System.Text;

namespace Antiphon.Server.Configuration;

/// <summary>A setting from outside the file, which counts more than the file's.</summary>
/// <param name="Path">Its name, a part each.</param>
/// <param name="Text">Its value: text, or JSON for a list or an object.</param>
/// <param name="Source">Where it stands, for people.</param>
internal sealed record Override(IReadOnlyList<string> Path, string Text, string Source)
{
    private const string Prefix = "ANTIPHON__";

    /// <summary>The variables that begin with <c>ANTIPHON__</c>, such as <c>ANTIPHON__LIMITS__CONNECTIONS</c>, in order.</summary>
    public static IEnumerable<Override> FromEnvironment(IReadOnlyDictionary<string, string> environment) => environment
        .Where(variable => variable.Key.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase))
        .OrderBy(variable => variable.Key, StringComparer.Ordinal)
        .Select(variable => new Override(
            variable.Key[Prefix.Length..].Split("__"), variable.Value, $"environment variable {variable.Key}"));

    /// <summary>A setting of the command line, such as <c>limits.connections=10</c>.</summary>
    /// <returns><c>null</c>: it is none.</returns>
    public static Override? FromCommandLine(string setting)
    {
        var equals = setting.IndexOf('=', StringComparison.Ordinal);
        return equals < 1
            ? null
            : new Override(
                setting[..equals].Replace("[", ".", StringComparison.Ordinal).Replace("]", "", StringComparison.Ordinal).Split('.'),
                setting[(equals + 1)..],
                $"--set {setting}");
    }

    /// <summary>Puts it into the tree, in the place of what stood there.</summary>
    public void ApplyTo(Node root, List<ConfigurationMistake> mistakes)
    {
        var node = root;
        for (var i = 0; i < Path.Count; i++)
        {
            var isLast = i == Path.Count - 1;
            var part = Path[i];
            if (int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out var index))
            {
                if (node.Kind != NodeKind.Array || index > node.Items.Count)
                {
                    mistakes.Add(new(
                        new Place(Source),
                        node.Kind == NodeKind.Array
                            ? $"«{node.Path}» has {node.Items.Count} items, so that there is none before [{index}]."
                            : $"«{node.Path}» is no list, and [{index}] is in it.",
                        IsWarning: false));
                    return;
                }

                var path = $"{node.Path}[{index}]";
                var value = Next(isLast, index < node.Items.Count ? node.Items[index] : null, path, i, mistakes);
                if (index == node.Items.Count)
                {
                    node.Items.Add(value);
                }

                node.Items[index] = value;
                node = value;
                continue;
            }

            if (node.Kind != NodeKind.Object)
            {
                mistakes.Add(new(new Place(Source), $"«{node.Path}» is {node.Noun}, and has no «{part}» in it.", IsWarning: false));
                return;
            }

            var found = node.Members.FindIndex(member => string.Equals(member.Name, part, StringComparison.OrdinalIgnoreCase));
            var name = found < 0 ? part : node.Members[found].Name;
            var next = Next(isLast, found < 0 ? null : node.Members[found].Value, node.PathOf(name), i, mistakes);
            var replaced = new Member(name, found < 0 || isLast ? new Place(Source) : node.Members[found].NamePlace, next);
            if (found < 0)
            {
                node.Members.Add(replaced);
            }
            else
            {
                node.Members[found] = replaced;
            }

            node = next;
        }
    }

    private Node Next(bool isLast, Node? existing, string path, int depth, List<ConfigurationMistake> mistakes)
    {
        if (!isLast)
        {
            var isList = int.TryParse(Path[depth + 1], NumberStyles.None, CultureInfo.InvariantCulture, out _);
            return existing ?? new Node(isList ? NodeKind.Array : NodeKind.Object, new Place(Source), path);
        }

        if (Text.TrimStart() is ['[' or '{', ..])
        {
            var parsed = new List<ConfigurationMistake>();
            if (JsonTree.Parse(Encoding.UTF8.GetBytes(Text), Source, parsed) is { } value)
            {
                mistakes.AddRange(parsed);
                return value;
            }
        }

        return new Node(NodeKind.Plain, new Place(Source), path, Text);
    }
}
