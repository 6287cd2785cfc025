using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text.Json;

namespace Antiphon.Server.Configuration;

/// <summary>A kind of value: how it is read, and how the JSON schema describes it.</summary>
/// <typeparam name="T">The value.</typeparam>
internal abstract class Kind<T>
{
    /// <summary>Reads a value; if it is none of this kind, says so and gives <c>false</c>.</summary>
    public abstract bool TryRead(Node node, ReadingContext context, [MaybeNullWhen(false)] out T value);

    /// <summary>Writes what the schema says of it, into an object that is open.</summary>
    public abstract void WriteSchema(Utf8JsonWriter schema);

    /// <summary>Writes the value as the schema's default; kinds without one write nothing.</summary>
    public virtual void WriteDefault(Utf8JsonWriter schema, T value)
    {
    }

    protected static bool Refuse(Node node, ReadingContext context, string wanted)
    {
        var what = node.Path.Length == 0 ? "The configuration" : $"«{node.Path}»";
        context.Error(node.Place, $"{what} is {node.Noun}; it has to be {wanted}.");
        return false;
    }
}

/// <summary>A text with something in it.</summary>
internal sealed class TextKind : Kind<string>
{
    public override bool TryRead(Node node, ReadingContext context, [MaybeNullWhen(false)] out string value)
    {
        value = node.Text;
        return (node.Kind is NodeKind.String or NodeKind.Plain && node.Text.Length > 0)
            || Refuse(node, context, "a text with something in it");
    }

    public override void WriteSchema(Utf8JsonWriter schema)
    {
        schema.WriteString("type", "string");
        schema.WriteNumber("minLength", 1);
    }
}

/// <summary>The name of a file, relative to the configuration's folder.</summary>
/// <param name="isRead">Whether it is read, so that a change of it is a change of the configuration.</param>
internal sealed class FileKind(bool isRead = true) : Kind<string>
{
    private static readonly TextKind Text = new();

    public override bool TryRead(Node node, ReadingContext context, [MaybeNullWhen(false)] out string value)
    {
        if (!Text.TryRead(node, context, out value))
        {
            return false;
        }

        value = context.Resolve(value);
        if (isRead)
        {
            context.Files.Add(value);
        }

        return true;
    }

    public override void WriteSchema(Utf8JsonWriter schema) => Text.WriteSchema(schema);
}

/// <summary>true or false.</summary>
internal sealed class BooleanKind : Kind<bool>
{
    public override bool TryRead(Node node, ReadingContext context, out bool value)
    {
        value = string.Equals(node.Text, "true", StringComparison.OrdinalIgnoreCase);
        return node.Kind == NodeKind.Boolean
            || (node.Kind == NodeKind.Plain && (value || string.Equals(node.Text, "false", StringComparison.OrdinalIgnoreCase)))
            || Refuse(node, context, "true or false");
    }

    public override void WriteSchema(Utf8JsonWriter schema) => schema.WriteString("type", "boolean");

    public override void WriteDefault(Utf8JsonWriter schema, bool value) => schema.WriteBoolean("default", value);
}

/// <summary>A whole number.</summary>
internal sealed class WholeKind(long minimum, long maximum) : Kind<long>
{
    public override bool TryRead(Node node, ReadingContext context, out long value)
    {
        value = 0;
        return (node.Kind is NodeKind.Number or NodeKind.Plain
                && long.TryParse(node.Text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out value)
                && value >= minimum
                && value <= maximum)
            || Refuse(
                node,
                context,
                maximum == long.MaxValue
                    ? string.Create(CultureInfo.InvariantCulture, $"a whole number from {minimum} on")
                    : string.Create(CultureInfo.InvariantCulture, $"a whole number from {minimum} to {maximum}"));
    }

    public override void WriteSchema(Utf8JsonWriter schema)
    {
        schema.WriteString("type", "integer");
        schema.WriteNumber("minimum", minimum);
        if (maximum != long.MaxValue)
        {
            schema.WriteNumber("maximum", maximum);
        }
    }

    public override void WriteDefault(Utf8JsonWriter schema, long value) => schema.WriteNumber("default", value);
}

/// <summary>A time in seconds.</summary>
internal sealed class SecondsKind(double minimum, double maximum) : Kind<TimeSpan>
{
    public override bool TryRead(Node node, ReadingContext context, out TimeSpan value)
    {
        var isNumber = double.TryParse(
            node.Text, NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var seconds);
        var holds = node.Kind is NodeKind.Number or NodeKind.Plain && isNumber && seconds >= minimum && seconds <= maximum;
        value = holds ? TimeSpan.FromSeconds(seconds) : default;
        return holds
            || Refuse(
                node, context, string.Create(CultureInfo.InvariantCulture, $"a number of seconds from {minimum} to {maximum}"));
    }

    public override void WriteSchema(Utf8JsonWriter schema)
    {
        schema.WriteString("type", "number");
        schema.WriteNumber("minimum", minimum);
        schema.WriteNumber("maximum", maximum);
    }

    public override void WriteDefault(Utf8JsonWriter schema, TimeSpan value) => schema.WriteNumber("default", value.TotalSeconds);
}

/// <summary>One of a few words.</summary>
internal sealed class WordKind<T>(params (string Word, T Value)[] words) : Kind<T>
{
    public override bool TryRead(Node node, ReadingContext context, [MaybeNullWhen(false)] out T value)
    {
        foreach (var (word, meaning) in words)
        {
            if (node.Kind is NodeKind.String or NodeKind.Plain && node.Text == word)
            {
                value = meaning;
                return true;
            }
        }

        value = default;
        return Refuse(node, context, string.Join(" or ", words.Select(one => $"\"{one.Word}\"")));
    }

    public override void WriteSchema(Utf8JsonWriter schema)
    {
        schema.WriteStartArray("enum");
        foreach (var (word, _) in words)
        {
            schema.WriteStringValue(word);
        }

        schema.WriteEndArray();
    }

    public override void WriteDefault(Utf8JsonWriter schema, T value) =>
        schema.WriteString("default", words.First(one => EqualityComparer<T>.Default.Equals(one.Value, value)).Word);
}

/// <summary>A list of values of one kind.</summary>
internal sealed class ListKind<T>(Kind<T> items, bool mayBeEmpty = true) : Kind<IReadOnlyList<T>>
{
    public override bool TryRead(Node node, ReadingContext context, [MaybeNullWhen(false)] out IReadOnlyList<T> value)
    {
        value = null;
        if (node.Kind != NodeKind.Array)
        {
            return Refuse(node, context, "a list, which stands in [ ]");
        }

        if (node.Items.Count == 0 && !mayBeEmpty)
        {
            context.Error(node.Place, $"«{node.Path}» is empty; one item or more has to stand in it.");
            return false;
        }

        var list = new List<T>();
        foreach (var item in node.Items)
        {
            if (items.TryRead(item, context, out var one))
            {
                list.Add(one);
            }
        }

        value = list;
        return true;
    }

    public override void WriteSchema(Utf8JsonWriter schema)
    {
        schema.WriteString("type", "array");
        if (!mayBeEmpty)
        {
            schema.WriteNumber("minItems", 1);
        }

        schema.WriteStartObject("items");
        items.WriteSchema(schema);
        schema.WriteEndObject();
    }
}
