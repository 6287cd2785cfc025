using System.Text;

namespace Antiphon.Conformance.Wire;

/// <summary><c>10</c>, <c>'text'</c>, <c>VV</c>: these bytes.</summary>
internal sealed record Literal(Func<Scope, byte[]> Bytes) : Node
{
    public Literal(byte[] bytes) : this(_ => bytes)
    {
    }

    public static Literal Text(string text) =>
        new(scope => Encoding.UTF8.GetBytes(text.Replace("~", scope.Unique, StringComparison.Ordinal)));

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

    public override bool Match(ref ReadOnlySpan<byte> rest, Scope scope) =>
        throw new FormatException("What the broker tells can be sent only.");
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

/// <summary>
/// <c>ok</c>: the end of an acknowledgement that succeeded. In MQTT 5 nothing, or 00 or 10 (No matching subscribers),
/// alone or with properties; in 3.1.1 nothing.
/// </summary>
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

/// <summary><c>##</c>: two bytes, the number of the turn in a repeated group, from 1.</summary>
internal sealed record Turn : Node
{
    public override void Write(List<byte> output, Scope scope)
    {
        output.Add((byte)(scope.Turn >> 8));
        output.Add((byte)scope.Turn);
    }

    public override bool Match(ref ReadOnlySpan<byte> rest, Scope scope) =>
        throw new FormatException("The number of a turn can be sent only.");
}
