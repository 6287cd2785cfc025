using System.Globalization;

namespace Antiphon.Conformance.Wire;

/// <summary>
/// Bytes as they are written in the tables: pairs of hexadecimal digits, text between apostrophes, blanks anywhere.
/// There are also signs for what a broker may choose. The whole language stands in the summaries of the nodes.
/// </summary>
internal sealed class Notation
{
    private readonly string _text;
    private int _at;

    private Notation(string text) => _text = text;

    public static Node[] Read(string text)
    {
        var notation = new Notation(text);
        var nodes = notation.ReadUntil('\0');
        return [.. nodes];
    }

    private List<Node> ReadUntil(char end)
    {
        var nodes = new List<Node>();
        while (true)
        {
            SkipBlanks();
            if (_at == _text.Length)
            {
                return end == '\0' ? nodes : throw Wrong($"'{end}' is missing");
            }

            if (_text[_at] == end)
            {
                _at++;
                return nodes;
            }

            nodes.Add(ReadNode());
        }
    }

    private Node ReadNode()
    {
        if (TakeIf("'"))
        {
            return Literal.Text(TakeTo('\''));
        }

        if (TakeIf("\""))
        {
            return new Prefixed([Literal.Text(TakeTo('"'))]);
        }

        if (TakeIf("["))
        {
            return new Counted([.. ReadUntil(']')]);
        }

        if (TakeIf("("))
        {
            return ReadProperties();
        }

        if (TakeIf("{"))
        {
            var inside = ReadUntil('}');
            return TakeIf("*") ? new Repeated([.. inside], TakeTimes()) : throw Wrong("A group is followed by *N");
        }

        if (TakeIf("<\""))
        {
            var name = TakeTo('"');
            return TakeIf(">") ? new Capture(name, Prefixed: true, Fresh: false) : throw Wrong("'>' is missing");
        }

        if (TakeIf("<+"))
        {
            return new Capture(TakeTo('>'), Prefixed: false, Fresh: true);
        }

        return TakeIf("<") ? new Capture(TakeTo('>'), Prefixed: false, Fresh: false) : ReadWord();
    }

    private Node ReadWord()
    {
        if (TakeIf("s{"))
        {
            return new Prefixed([.. ReadUntil('}')]);
        }

        if (TakeIf("v5{"))
        {
            return new OnlyIn(ProtocolVersion.V5, [.. ReadUntil('}')]);
        }

        if (TakeIf("v311{"))
        {
            return new OnlyIn(ProtocolVersion.V311, [.. ReadUntil('}')]);
        }

        if (TakeIf("VV"))
        {
            return new Literal(scope => [(byte)scope.Version]);
        }

        if (TakeIf("ok"))
        {
            return new Succeeded();
        }

        if (TakeIf("str"))
        {
            return new AnyString();
        }

        if (TakeIf("*"))
        {
            return new Rest();
        }

        if (TakeIf(".."))
        {
            return new OneByte(_ => true);
        }

        if (TakeIf("@"))
        {
            return new Told(TakeByte(), TakeIf("+") ? (int)TakeNumber() : 0);
        }

        if (TakeIf("##"))
        {
            return new Turn();
        }

        if (TakeIf("#"))
        {
            var least = (uint)TakeNumber();
            return TakeIf("-") ? new Between(least, (uint)TakeNumber()) : throw Wrong("A range is written #LEAST-MOST");
        }

        return ReadHexadecimal();
    }

    private Node ReadHexadecimal()
    {
        var first = TakeByte();
        if (TakeIf("+"))
        {
            return new OneByte(value => value >= first);
        }

        if (TakeIf("*"))
        {
            return new Repeated([new Literal([first])], TakeTimes());
        }

        if (_at == _text.Length || _text[_at] != '|')
        {
            return new Literal([first]);
        }

        var choices = new List<byte> { first };
        while (TakeIf("|"))
        {
            choices.Add(TakeByte());
        }

        return new OneByte(choices.Contains);
    }

    private Properties ReadProperties()
    {
        var listed = new List<Node[]>();
        var forbidden = new List<byte>();
        var open = false;
        while (true)
        {
            SkipBlanks();
            if (TakeIf(")"))
            {
                return new Properties([.. listed], open, [.. forbidden]);
            }

            if (_at == _text.Length)
            {
                throw Wrong("')' is missing");
            }

            if (TakeIf("*"))
            {
                open = true;
            }
            else if (TakeIf("!"))
            {
                forbidden.Add(TakeByte());
            }
            else if (!TakeIf(","))
            {
                listed.Add([.. ReadProperty()]);
            }
        }
    }

    private List<Node> ReadProperty()
    {
        var nodes = new List<Node>();
        while (_at < _text.Length && _text[_at] is not (',' or ')'))
        {
            nodes.Add(ReadNode());
            SkipBlanks();
        }

        return nodes;
    }

    private Func<Scope, long> TakeTimes()
    {
        if (TakeIf("@"))
        {
            var property = TakeByte();
            var more = TakeIf("+") ? TakeNumber() : 0;
            return scope => scope.Told(property) + more;
        }

        var times = TakeNumber();
        return _ => times;
    }

    private byte TakeByte()
    {
        if (_at + 2 <= _text.Length
            && byte.TryParse(_text.AsSpan(_at, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value))
        {
            _at += 2;
            return value;
        }

        throw Wrong("No byte");
    }

    private long TakeNumber()
    {
        var start = _at;
        while (_at < _text.Length && char.IsAsciiDigit(_text[_at]))
        {
            _at++;
        }

        return long.TryParse(_text.AsSpan(start, _at - start), CultureInfo.InvariantCulture, out var number)
            ? number
            : throw Wrong("No number");
    }

    private string TakeTo(char end)
    {
        var start = _at;
        var stop = _text.IndexOf(end, start);
        if (stop < 0)
        {
            throw Wrong($"'{end}' is missing");
        }

        _at = stop + 1;
        return _text[start..stop];
    }

    private bool TakeIf(string word)
    {
        if (string.CompareOrdinal(_text, _at, word, 0, word.Length) != 0)
        {
            return false;
        }

        _at += word.Length;
        return true;
    }

    private void SkipBlanks()
    {
        while (_at < _text.Length && char.IsWhiteSpace(_text[_at]))
        {
            _at++;
        }
    }

    private FormatException Wrong(string what) => new($"{what} at position {_at} of: {_text}");
}
