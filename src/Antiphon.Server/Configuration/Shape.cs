using System.Diagnostics.CodeAnalysis;
using System.Text.Json;

namespace Antiphon.Server.Configuration;

/// <summary>An object with settings.</summary>
/// <typeparam name="T">What it is read into.</typeparam>
/// <param name="usual">How it is where nothing is written.</param>
/// <param name="check">Looks at the whole once it is read; what is wrong, it says.</param>
/// <param name="required">The names of settings that have to be there.</param>
/// <param name="settings">All settings.</param>
internal sealed class Shape<T>(
    T usual, Func<T, Node, ReadingContext, T>? check, IReadOnlyList<string> required, params Setting<T>[] settings) : Kind<T>
{
    public IReadOnlyList<Setting<T>> Settings { get; } = settings;

    public override bool TryRead(Node node, ReadingContext context, [MaybeNullWhen(false)] out T value)
    {
        value = usual;
        if (node.Kind != NodeKind.Object)
        {
            return Refuse(node, context, "an object, which stands in { }");
        }

        var missing = required.ToHashSet(StringComparer.Ordinal);
        foreach (var member in node.Members)
        {
            if (Find(member) is { } setting)
            {
                missing.Remove(setting.Name);
                value = setting.Read(member.Value, value, context);
            }
            else
            {
                context.Error(member.NamePlace, UnknownSentence(member));
            }
        }

        foreach (var name in missing)
        {
            context.Error(node.Place, $"«{node.PathOf(name)}» is missing.");
        }

        if (missing.Count == 0 && check is not null)
        {
            value = check(value, node, context);
        }

        return true;
    }

    public override void WriteSchema(Utf8JsonWriter schema)
    {
        schema.WriteString("type", "object");
        schema.WriteBoolean("additionalProperties", false);
        if (required.Count > 0)
        {
            schema.WriteStartArray("required");
            foreach (var name in required)
            {
                schema.WriteStringValue(name);
            }

            schema.WriteEndArray();
        }

        schema.WriteStartObject("properties");
        foreach (var setting in Settings)
        {
            setting.WriteSchema(schema, usual);
        }

        schema.WriteEndObject();
    }

    /// <summary>Names are those of the schema; only variables of the environment have them in whatever case.</summary>
    private Setting<T>? Find(Member member) => Settings.FirstOrDefault(setting => string.Equals(
        setting.Name, member.Name, member.NamePlace.Line == 0 ? StringComparison.OrdinalIgnoreCase : StringComparison.Ordinal));

    private string UnknownSentence(Member member)
    {
        var nearest = Spelling.Nearest(member.Name, Settings.Select(setting => setting.Name));
        return $"There is no setting «{member.Value.Path}»"
            + (nearest is null
                ? $"; there are {string.Join(", ", Settings.Select(setting => setting.Name))}."
                : $"; do you mean «{nearest}»?");
    }
}
