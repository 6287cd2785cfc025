using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using Antiphon.Broker.Access;

namespace Antiphon.Server.Configuration;

/// <summary>A topic of a rule: a Topic Filter, which may have variables in it.</summary>
internal sealed class TopicKind : Kind<string>
{
    private static readonly TextKind Text = new();

    public override bool TryRead(Node node, ReadingContext context, [MaybeNullWhen(false)] out string value)
    {
        if (!Text.TryRead(node, context, out value))
        {
            return false;
        }

        if (TopicPattern.TryParse(value, out _, out var mistake))
        {
            return true;
        }

        context.Error(node.Place, $"«{node.Path}»: {mistake}");
        return false;
    }

    public override void WriteSchema(Utf8JsonWriter schema) => Text.WriteSchema(schema);
}

/// <summary>Some of the clients, as rules name them.</summary>
internal sealed class ClientsKind : Kind<string>
{
    public override bool TryRead(Node node, ReadingContext context, [MaybeNullWhen(false)] out string value)
    {
        value = node.Text;
        return (node.Kind is NodeKind.String or NodeKind.Plain && AccessRules.IsClients(value))
            || Refuse(node, context, "\"*\" or \"anonymous\" or \"user:NAME\" or \"group:NAME\" or \"client:ID\"");
    }

    public override void WriteSchema(Utf8JsonWriter schema)
    {
        schema.WriteString("type", "string");
        schema.WriteString("pattern", @"^(\*|anonymous|(user|group|client):.+)$");
    }
}
