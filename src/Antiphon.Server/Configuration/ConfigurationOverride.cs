using System.Globalization;
using System.Text;

namespace Antiphon.Server.Configuration;

/// <summary>A setting from outside the file, which counts more than the file's. Immutable.</summary>
public sealed class ConfigurationOverride
{
    private const string Prefix = "ANTIPHON__";

    private readonly string[] _path;
    private readonly string _text;
    private readonly string _source;

    /// <summary>A setting with a value.</summary>
    /// <param name="name">Its name in full, such as <c>limits.connections</c> or <c>listeners[0].url</c>.</param>
    /// <param name="text">Its value: text, or JSON for a list or an object. Relative file names begin in the folder of the file.</param>
    /// <param name="source">Where it stands, for people, such as an option of a command line.</param>
    public ConfigurationOverride(string name, string text, string source)
        : this(Parts(name), text, source)
    {
        ArgumentNullException.ThrowIfNull(text);
        ArgumentNullException.ThrowIfNull(source);
    }

    private ConfigurationOverride(string[] path, string text, string source)
    {
        _path = path;
        _text = text;
        _source = source;
    }

    /// <summary>Takes a setting of a command line apart, such as <c>limits.connections=10</c>.</summary>
    /// <param name="setting">What stands behind <c>--set</c>.</param>
    /// <returns><c>null</c>: it is none.</returns>
    public static ConfigurationOverride? Parse(string setting)
    {
        ArgumentNullException.ThrowIfNull(setting);
        var equals = setting.IndexOf('=', StringComparison.Ordinal);
        return equals < 1 ? null : new ConfigurationOverride(setting[..equals], setting[(equals + 1)..], $"--set {setting}");
    }

    /// <summary>Whether a variable of the environment says a setting, as <c>ANTIPHON__LIMITS__CONNECTIONS</c> does.</summary>
    /// <param name="name">Its name.</param>
    public static bool IsVariable(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return name.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase);
    }

    /// <summary>The variables that begin with <c>ANTIPHON__</c>, such as <c>ANTIPHON__LIMITS__CONNECTIONS</c>, in order.</summary>
    internal static IEnumerable<ConfigurationOverride> FromEnvironment(IReadOnlyDictionary<string, string> environment) => environment
        .Where(variable => IsVariable(variable.Key))
        .OrderBy(variable => variable.Key, StringComparer.Ordinal)
        .Select(variable => new ConfigurationOverride(
            variable.Key[Prefix.Length..].Split("__"), variable.Value, $"environment variable {variable.Key}"));

    /// <summary>Puts it into the tree, in the place of what stood there.</summary>
    internal void ApplyTo(Node root, List<ConfigurationMistake> mistakes)
    {
        var node = root;
        for (var i = 0; i < _path.Length; i++)
        {
            var isLast = i == _path.Length - 1;
            var part = _path[i];
            if (int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out var index))
            {
                if (node.Kind != NodeKind.Array || index > node.Items.Count)
                {
                    mistakes.Add(new(
                        new Place(_source),
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
                mistakes.Add(new(new Place(_source), $"«{node.Path}» is {node.Noun}, and has no «{part}» in it.", IsWarning: false));
                return;
            }

            var found = node.Members.FindIndex(member => string.Equals(member.Name, part, StringComparison.OrdinalIgnoreCase));
            var name = found < 0 ? part : node.Members[found].Name;
            var next = Next(isLast, found < 0 ? null : node.Members[found].Value, node.PathOf(name), i, mistakes);
            var replaced = new Member(name, found < 0 || isLast ? new Place(_source) : node.Members[found].NamePlace, next);
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

    private static string[] Parts(string name) =>
        name.Replace("[", ".", StringComparison.Ordinal).Replace("]", "", StringComparison.Ordinal).Split('.');

    private Node Next(bool isLast, Node? existing, string path, int depth, List<ConfigurationMistake> mistakes)
    {
        if (!isLast)
        {
            var isList = int.TryParse(_path[depth + 1], NumberStyles.None, CultureInfo.InvariantCulture, out _);
            return existing ?? new Node(isList ? NodeKind.Array : NodeKind.Object, new Place(_source), path);
        }

        if (_text.TrimStart() is ['[' or '{', ..])
        {
            var parsed = new List<ConfigurationMistake>();
            if (JsonTree.Parse(Encoding.UTF8.GetBytes(_text), _source, parsed) is { } value)
            {
                mistakes.AddRange(parsed);
                return value;
            }
        }

        return new Node(NodeKind.Plain, new Place(_source), path, _text);
    }
}
