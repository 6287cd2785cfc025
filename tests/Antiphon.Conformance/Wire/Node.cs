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
