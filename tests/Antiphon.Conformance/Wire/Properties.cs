namespace Antiphon.Conformance.Wire;

/// <summary>
/// <c>( 11 0000000A, 26 "a" "b" )</c>: a property list with its length; nothing at all in MQTT 3.1.1.
/// Expected properties may come in any order. Those of one identifier come in the order given, Subscription Identifiers in any.
/// With <c>*</c> others may stand beside them, save those named as <c>!1F</c>.
/// </summary>
internal sealed record Properties(Node[][] Listed, bool IsOpen, byte[] Forbidden) : Node
{
    private const byte SubscriptionIdentifier = 0x0B;

    public override void Write(List<byte> output, Scope scope)
    {
        if (scope.Version == ProtocolVersion.V5)
        {
            new Counted([.. Listed.SelectMany(property => property)]).Write(output, scope);
        }
    }

    public override bool Match(ref ReadOnlySpan<byte> rest, Scope scope)
    {
        if (scope.Version == ProtocolVersion.V311)
        {
            return true;
        }

        if (!VariableInteger.TryRead(ref rest, out var length) || length > rest.Length)
        {
            return false;
        }

        var received = PropertyBlock.Split(rest[..length]);
        rest = rest[length..];
        var expected = Listed.ToList();
        return received is not null && received.TrueForAll(property => Take(expected, property, scope)) && expected.Count == 0;
    }

    /// <summary>Strikes a received property off the list of those expected.</summary>
    private bool Take(List<Node[]> expected, byte[] property, Scope scope)
    {
        foreach (var candidate in expected.Where(candidate => IdentifierOf(candidate, scope) == property[0]))
        {
            if (Is(property, candidate, scope))
            {
                expected.Remove(candidate);
                return true;
            }

            if (property[0] != SubscriptionIdentifier)
            {
                return false;
            }
        }

        return IsOpen && !Forbidden.Contains(property[0]);
    }

    private static bool Is(byte[] property, Node[] candidate, Scope scope) => scope.Try(() =>
    {
        ReadOnlySpan<byte> bytes = property;
        return Match(candidate, ref bytes, scope) && bytes.IsEmpty;
    });

    private static byte IdentifierOf(Node[] candidate, Scope scope) =>
        candidate[0] is Literal literal ? literal.Bytes(scope)[0] : throw new FormatException("A property begins with its identifier.");
}
