using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using Antiphon.Protocol.Topics;

namespace Antiphon.Server.Configuration;

/// <summary>The settings below <c>audit</c>.</summary>
internal static class AuditSettings
{
    public static Shape<AuditOptions> Shape { get; } = new(
        new AuditOptions { File = "" },
        check: Check,
        required: ["file"],
        new Setting<AuditOptions, string>(
            "file",
            "The file that lines are added to; it is made where there is none.",
            new FileKind(isRead: false),
            audit => audit.File.Length == 0 ? null! : audit.File,
            (audit, value) => audit with { File = value }),
        new Setting<AuditOptions, IReadOnlyList<string>>(
            "topics",
            "The Topic Filters of the request topics that are logged; without it all.",
            new ListKind<string>(new AuditedTopicKind()),
            audit => audit.Topics,
            (audit, value) => audit with { Topics = value }),
        new Setting<AuditOptions, bool>(
            "payloads",
            "Whether payloads are logged.",
            new BooleanKind(),
            audit => audit.Payloads,
            (audit, value) => audit with { Payloads = value }),
        new Setting<AuditOptions, long>(
            "maximumBytes",
            "How large the file may become before another one is begun, in bytes.",
            new WholeKind(65_536, long.MaxValue),
            audit => audit.MaximumBytes,
            (audit, value) => audit with { MaximumBytes = value }),
        new Setting<AuditOptions, long>(
            "keep",
            "How many files are kept beside the one that is written.",
            new WholeKind(0, 1000),
            audit => audit.Keep,
            (audit, value) => audit with { Keep = (int)value }));

    private static AuditOptions Check(AuditOptions audit, Node node, ReadingContext context)
    {
        if (node.Members.Find(member => member.Name == "topics") is { Value: { Kind: NodeKind.Array, Items.Count: 0 } topics })
        {
            context.Error(topics.Place, $"«{node.PathOf("topics")}» is empty, and nothing would be logged; without it all topics are.");
        }

        if (audit.File.Length > 0 && !Directory.Exists(Path.GetDirectoryName(audit.File)))
        {
            context.Error(node.PlaceOf("file"), $"The folder of «{audit.File}» is not there; make it, or name another file.");
        }

        return audit;
    }
}

/// <summary>A Topic Filter of the audit log.</summary>
internal sealed class AuditedTopicKind : Kind<string>
{
    private static readonly TextKind Text = new();

    public override bool TryRead(Node node, ReadingContext context, [MaybeNullWhen(false)] out string value)
    {
        if (!Text.TryRead(node, context, out value))
        {
            return false;
        }

        if (!TopicFilter.TryParse(value, out var filter, out var fault))
        {
            context.Error(node.Place, $"«{node.Path}»: {fault.Message}");
            return false;
        }

        return !filter.IsShared || Refuse(node, context, "a Topic Filter without $share");
    }

    public override void WriteSchema(Utf8JsonWriter schema) => Text.WriteSchema(schema);
}
