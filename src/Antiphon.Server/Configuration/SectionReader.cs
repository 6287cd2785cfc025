using System.Globalization;
using Microsoft.Extensions.Configuration;

namespace Antiphon.Server.Configuration;

/// <summary>Reads the settings of a configuration file out of the configuration of an application.</summary>
internal static class SectionReader
{
    /// <exception cref="ArgumentException">Settings are wrong; the message names every mistake.</exception>
    public static ServerOptions Read(IConfiguration section, TimeProvider time)
    {
        var mistakes = new List<ConfigurationMistake>();
        var context = new ReadingContext(Directory.GetCurrentDirectory(), time, mistakes);
        ServerOptions? options = null;
        if (ServerSettings.Shape.TryRead(ToNode(section, null, ""), context, out var draft) && !context.HasErrors)
        {
            options = draft.ToOptions();
        }

        return options ?? throw new ArgumentException(string.Join(" ", mistakes.Where(mistake => !mistake.IsWarning)
            .Select(mistake => $"{mistake.Place}: {mistake.Message}")));
    }

    /// <summary>An application's configuration keeps lists as objects with numbers for names, and all values as text.</summary>
    private static Node ToNode(IConfiguration section, string? value, string path)
    {
        var place = new Place(section is IConfigurationSection { Path: { Length: > 0 } name } ? name : "configuration");
        IConfigurationSection[] children = [.. section.GetChildren()];
        if (children.Length == 0)
        {
            return value is null && path.Length > 0 ? new Node(NodeKind.Null, place, path)
                : path.Length == 0 ? new Node(NodeKind.Object, place, path)
                : new Node(NodeKind.Plain, place, path, value!);
        }

        var isList = children.All(child => int.TryParse(child.Key, NumberStyles.None, CultureInfo.InvariantCulture, out _));
        var node = new Node(isList ? NodeKind.Array : NodeKind.Object, place, path);
        foreach (var child in children)
        {
            var inner = ToNode(child, child.Value, isList ? $"{path}[{node.Items.Count}]" : node.PathOf(child.Key));
            if (isList)
            {
                node.Items.Add(inner);
            }
            else
            {
                node.Members.Add(new Member(child.Key, new Place(child.Path), inner));
            }
        }

        return node;
    }
}
