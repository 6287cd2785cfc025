using System.Diagnostics.CodeAnalysis;
using System.Text.Json;

namespace Antiphon.Server.Configuration;

/// <summary>An object whose names are free.</summary>
/// <typeparam name="T">What stands behind each name.</typeparam>
/// <param name="values">Its kind.</param>
internal sealed class MapKind<T>(Kind<T> values) : Kind<IReadOnlyDictionary<string, T>>
{
    public override bool TryRead(Node node, ReadingContext context, [MaybeNullWhen(false)] out IReadOnlyDictionary<string, T> value)
    {
        value = null;
        if (node.Kind != NodeKind.Object)
        {
            return Refuse(node, context, "an object, which stands in { }");
        }

        var map = new Dictionary<string, T>(StringComparer.Ordinal);
        foreach (var member in node.Members)
        {
            if (member.Name.Length == 0)
            {
                context.Error(member.NamePlace, $"A name in «{node.Path}» is empty.");
            }
            else if (values.TryRead(member.Value, context, out var one))
            {
                map.TryAdd(member.Name, one);
            }
        }

        value = map;
        return true;
    }

    public override void WriteSchema(Utf8JsonWriter schema)
    {
        schema.WriteString("type", "object");
        schema.WriteStartObject("additionalProperties");
        values.WriteSchema(schema);
        schema.WriteEndObject();
    }
}
