using System.Text;

namespace Antiphon.Conformance.Wire;

/// <summary>A part of the bytes that a table gives: what it writes when sent, what it takes off the front when expected.</summary>
internal abstract record Node
{
    public virtual void Write(List<byte> output, Scope scope) =>
        throw new FormatException($"{GetType().Name} says what may be received; it cannot be sent.");

    /// <summary>Takes what it stands for off the front; false if something else is there.</summary>
    public abstract bool Match(ref ReadOnlySpan<byte> rest, Scope scope);

    public static void Write(IEnumerable<Node> nodes, List<byte> output, Scope scope)
    {
        foreach (var node in nodes)
        {
            node.Write(output, scope);
        }
    }

    public static bool Match(IEnumerable<Node> nodes, ref ReadOnlySpan<byte> rest, Scope scope)
    {
        foreach (var node in nodes)
        {
            if (!node.Match(ref rest, scope))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>The length, two bytes, of what follows; 0 where nothing is left.</summary>
    protected static int PrefixedLength(ReadOnlySpan<byte> rest) =>
        rest.Length >= 2 && 2 + (rest[0] << 8 | rest[1]) is var length && length <= rest.Length ? length : 0;
}

/// <summary><c>10</c>, <c>'text'</c>, <c>VV</c>: these bytes.</summary>
internal sealed record Literal(Func<Scope, byte[]> Bytes) : Node
{
    public Literal(byte[] bytes) : this(_ => bytes)
    {
    }

    public static Literal Text(string text) => new(scope => Encoding.UTF8.GetBytes(text.Replace("~", scope.Unique, StringComparison.Ordinal)));

    public override void Write(List<byte> output, Scope scope) => output.AddRange(Bytes(scope));

    public override bool Match(ref ReadOnlySpan<byte> rest, Scope scope)
    {
        var bytes = Bytes(scope);
        if (!rest.StartsWith(bytes))
        {
            return false;
        }

        rest = rest[bytes.Length..];
        return true;
    }
}

/// <summary><c>@22</c>, <c>@22+1</c>: two bytes, the number that the broker's CONNACK tells in this property, or one more.</summary>
internal sealed record Told(byte Property, int More) : Node
{
    public override void Write(List<byte> output, Scope scope)
    {
        var number = scope.Told(Property) + More;
        output.Add((byte)(number >> 8));
        output.Add((byte)number);
    }

    public override bool Match(ref ReadOnlySpan<byte> rest, Scope scope) => throw new FormatException("What the broker tells can be sent only.");
}

/// <summary><c>81|82</c>, <c>80+</c> or <c>..</c>: one byte of several.</summary>
internal sealed record OneByte(Func<byte, bool> Fits) : Node
{
    public override bool Match(ref ReadOnlySpan<byte> rest, Scope scope)
    {
        if (rest.IsEmpty || !Fits(rest[0]))
        {
            return false;
        }

        rest = rest[1..];
        return true;
    }
}

/// <summary><c>7-9</c>: a four byte integer between these, both included.</summary>
internal sealed record Between(uint Least, uint Most) : Node
{
    public override bool Match(ref ReadOnlySpan<byte> rest, Scope scope)
    {
        if (!System.Buffers.Binary.BinaryPrimitives.TryReadUInt32BigEndian(rest, out var value) || value < Least || value > Most)
        {
            return false;
        }

        rest = rest[4..];
        return true;
    }
}

/// <summary>
/// <c>&lt;name></c>: a Packet Identifier, any but 0 the first time and then the same; <c>&lt;+name></c>: one that differs from all before;
/// <c>&lt;"name"></c>: a string or binary data with its length.
/// </summary>
internal sealed record Capture(string Name, bool Prefixed, bool Fresh) : Node
{
    public override void Write(List<byte> output, Scope scope) => output.AddRange(scope.Captured(Name));

    public override bool Match(ref ReadOnlySpan<byte> rest, Scope scope)
    {
        var length = Prefixed ? PrefixedLength(rest) : 2;
        if (length == 0 || length > rest.Length || !rest[..length].ContainsAnyExcept((byte)0) || (Fresh && !scope.IsNew(rest[..length])))
        {
            return false;
        }

        if (!scope.Holds(Name, rest[..length]))
        {
            return false;
        }

        rest = rest[length..];
        return true;
    }
}

/// <summary><c>str</c>: any string or binary data.</summary>
internal sealed record AnyString : Node
{
    public override bool Match(ref ReadOnlySpan<byte> rest, Scope scope)
    {
        var length = PrefixedLength(rest);
        rest = rest[length..];
        return length > 0;
    }
}

/// <summary><c>*</c>: whatever comes up to the end of the packet.</summary>
internal sealed record Rest : Node
{
    public override bool Match(ref ReadOnlySpan<byte> rest, Scope scope)
    {
        rest = [];
        return true;
    }
}

/// <summary><c>ok</c>: the end of an acknowledgement that succeeded. In MQTT 5 nothing, or 00 or 10 (No matching subscribers), alone or with properties; in 3.1.1 nothing.</summary>
internal sealed record Succeeded : Node
{
    public override bool Match(ref ReadOnlySpan<byte> rest, Scope scope)
    {
        if (!rest.IsEmpty && scope.Version == ProtocolVersion.V5 && rest[0] is 0x00 or 0x10)
        {
            rest = rest[1..];
            return rest.IsEmpty || new Properties([], IsOpen: true, []).Match(ref rest, scope);
        }

        return rest.IsEmpty;
    }
}

/// <summary><c>[ … ]</c>: the Remaining Length, and what it counts.</summary>
internal sealed record Counted(Node[] Inside) : Node
{
    public override void Write(List<byte> output, Scope scope)
    {
        var inside = new List<byte>();
        Write(Inside, inside, scope);
        VariableInteger.Write(output, inside.Count);
        output.AddRange(inside);
    }

    public override bool Match(ref ReadOnlySpan<byte> rest, Scope scope)
    {
        if (!VariableInteger.TryRead(ref rest, out var length) || length > rest.Length)
        {
            return false;
        }

        var inside = rest[..length];
        rest = rest[length..];
        return Match(Inside, ref inside, scope) && inside.IsEmpty;
    }
}

/// <summary><c>s{ … }</c>: a length of two bytes, and what it counts.</summary>
internal sealed record Prefixed(Node[] Inside) : Node
{
    public override void Write(List<byte> output, Scope scope)
    {
        var inside = new List<byte>();
        Write(Inside, inside, scope);
        output.Add((byte)(inside.Count >> 8));
        output.Add((byte)inside.Count);
        output.AddRange(inside);
    }

    public override bool Match(ref ReadOnlySpan<byte> rest, Scope scope)
    {
        var length = PrefixedLength(rest);
        if (length == 0)
        {
            return false;
        }

        var inside = rest[2..length];
        rest = rest[length..];
        return Match(Inside, ref inside, scope) && inside.IsEmpty;
    }
}

/// <summary><c>##</c>: two bytes, the number of the turn in a repeated group, from 1.</summary>
internal sealed record Turn : Node
{
    public override void Write(List<byte> output, Scope scope)
    {
        output.Add((byte)(scope.Turn >> 8));
        output.Add((byte)scope.Turn);
    }

    public override bool Match(ref ReadOnlySpan<byte> rest, Scope scope) => throw new FormatException("The number of a turn can be sent only.");
}

/// <summary><c>{ … }*1000</c>, <c>{ … }*@21</c>, <c>{ … }*@21+1</c>: the same so many times, or as often as the broker's CONNACK tells in this property.</summary>
internal sealed record Repeated(Node[] Inside, Func<Scope, long> Times) : Node
{
    public override void Write(List<byte> output, Scope scope)
    {
        for (scope.Turn = 1; scope.Turn <= Times(scope); scope.Turn++)
        {
            Write(Inside, output, scope);
        }
    }

    public override bool Match(ref ReadOnlySpan<byte> rest, Scope scope)
    {
        for (var i = 0; i < Times(scope); i++)
        {
            if (!Match(Inside, ref rest, scope))
            {
                return false;
            }
        }

        return true;
    }
}

/// <summary><c>v5{ … }</c> or <c>v311{ … }</c>: there in one version only.</summary>
internal sealed record OnlyIn(ProtocolVersion Version, Node[] Inside) : Node
{
    public override void Write(List<byte> output, Scope scope)
    {
        if (scope.Version == Version)
        {
            Write(Inside, output, scope);
        }
    }

    public override bool Match(ref ReadOnlySpan<byte> rest, Scope scope) => scope.Version != Version || Match(Inside, ref rest, scope);
}
