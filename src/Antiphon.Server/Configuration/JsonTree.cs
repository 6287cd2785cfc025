using System.Text;
using System.Text.Json;

namespace Antiphon.Server.Configuration;

/// <summary>Reads JSON with comments and trailing commas into a tree that knows where everything stands.</summary>
internal ref struct JsonTree
{
    private static readonly JsonReaderOptions Options =
        new() { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true, MaxDepth = 16 };

    private readonly ReadOnlySpan<byte> _json;
    private readonly string _source;
    private readonly List<ConfigurationMistake> _mistakes;
    private readonly List<int> _lineStarts = [0];
    private Utf8JsonReader _reader;

    private JsonTree(ReadOnlySpan<byte> json, string source, List<ConfigurationMistake> mistakes)
    {
        _json = json;
        _source = source;
        _mistakes = mistakes;
        _reader = new Utf8JsonReader(json, Options);
        for (var i = 0; i < json.Length; i++)
        {
            if (json[i] == '\n')
            {
                _lineStarts.Add(i + 1);
            }
        }
    }

    /// <summary>Reads a file's bytes.</summary>
    /// <param name="bytes">UTF-8, with or without a byte order mark.</param>
    /// <param name="source">The file's name, for the places.</param>
    /// <param name="mistakes">What is wrong is added here.</param>
    /// <returns>The whole; <c>null</c>: it is no JSON, and the mistakes say where.</returns>
    public static Node? Parse(ReadOnlySpan<byte> bytes, string source, List<ConfigurationMistake> mistakes)
    {
        var json = bytes.StartsWith("\uFEFF"u8) ? bytes[3..] : bytes;
        var tree = new JsonTree(json, source, mistakes);
        try
        {
            tree._reader.Read();
            var whole = tree.ReadValue("");

            // Whatever comes behind it is an error, which the reader finds.
            tree._reader.Read();
            return whole;
        }
        catch (JsonException failure)
        {
            mistakes.Add(new(tree.PlaceOf(failure), Sentence(failure), IsWarning: false));
            return null;
        }
    }

    private Node ReadValue(string path)
    {
        var place = PlaceOf((int)_reader.TokenStartIndex);
        switch (_reader.TokenType)
        {
            case JsonTokenType.StartObject:
                return ReadObject(new Node(NodeKind.Object, place, path));
            case JsonTokenType.StartArray:
                return ReadArray(new Node(NodeKind.Array, place, path));
            case JsonTokenType.String:
                return new Node(NodeKind.String, place, path, Text());
            case JsonTokenType.Number:
                return new Node(NodeKind.Number, place, path, Encoding.UTF8.GetString(_reader.ValueSpan));
            case JsonTokenType.True:
            case JsonTokenType.False:
                return new Node(NodeKind.Boolean, place, path, _reader.TokenType == JsonTokenType.True ? "true" : "false");
            default:
                return new Node(NodeKind.Null, place, path);
        }
    }

    private Node ReadObject(Node node)
    {
        while (_reader.Read() && _reader.TokenType != JsonTokenType.EndObject)
        {
            var name = Text();
            var place = PlaceOf((int)_reader.TokenStartIndex);
            _reader.Read();
            var member = new Member(name, place, ReadValue(node.PathOf(name)));
            if (node.Members.Find(other => other.Name == name) is { } first)
            {
                _mistakes.Add(new(place, $"«{member.Value.Path}» stands at {first.NamePlace} already.", IsWarning: false));
            }
            else
            {
                node.Members.Add(member);
            }
        }

        return node;
    }

    private Node ReadArray(Node node)
    {
        while (_reader.Read() && _reader.TokenType != JsonTokenType.EndArray)
        {
            node.Items.Add(ReadValue($"{node.Path}[{node.Items.Count}]"));
        }

        return node;
    }

    /// <summary>Text that is no Unicode is a mistake in the JSON, not in us.</summary>
    private readonly string Text()
    {
        try
        {
            return _reader.GetString()!;
        }
        catch (InvalidOperationException failure)
        {
            var place = PlaceOf((int)_reader.TokenStartIndex);
            throw new JsonException("The text is no valid Unicode.", null, place.Line - 1, place.Column - 1, failure);
        }
    }

    private readonly Place PlaceOf(int index)
    {
        var line = _lineStarts.BinarySearch(index);
        line = line < 0 ? ~line - 1 : line;
        return new Place(_source, line + 1, Characters(_lineStarts[line], index) + 1);
    }

    private readonly Place PlaceOf(JsonException failure)
    {
        var line = (int)Math.Min(failure.LineNumber ?? 0, _lineStarts.Count - 1);
        var start = _lineStarts[line];
        var end = (int)Math.Min(_json.Length, start + (failure.BytePositionInLine ?? 0));
        return new Place(_source, line + 1, Characters(start, end) + 1);
    }

    private readonly int Characters(int from, int to) => Encoding.UTF8.GetCharCount(_json[from..to]);

    /// <summary>The reader's own sentence, without the position that it adds in bytes and from zero.</summary>
    private static string Sentence(JsonException failure)
    {
        if (failure.Message.StartsWith("The input does not contain any JSON tokens", StringComparison.Ordinal))
        {
            return "The file is empty; a configuration without settings is {}.";
        }

        var end = failure.Message.IndexOf(" LineNumber:", StringComparison.Ordinal);
        return $"This is no JSON: {(end < 0 ? failure.Message : failure.Message[..end])}";
    }
}
