namespace Antiphon.Conformance.Wire;

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

/// <summary>
/// <c>{ … }*1000</c>, <c>{ … }*@21</c>, <c>{ … }*@21+1</c>: the same so many times.
/// With <c>@</c> it is as often as the broker's CONNACK tells in this property, or once more.
/// </summary>
internal sealed record Repeated(Node[] Inside, Func<Scope, long> Times) : Node
{
    public override void Write(List<byte> output, Scope scope)
    {
        // One may stand in another, which has a turn of its own.
        var outer = scope.Turn;
        var times = Times(scope);
        for (var turn = 1; turn <= times; turn++)
        {
            scope.Turn = turn;
            Write(Inside, output, scope);
        }

        scope.Turn = outer;
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
