namespace Antiphon.Conformance.Wire;

/// <summary>
/// What the bytes of one run of a case depend on: the protocol version, the text that is its own, and what it has captured so far.
/// </summary>
/// <param name="version">The version that is spoken.</param>
/// <param name="unique">What <c>~</c> stands for.</param>
/// <param name="told">The number that the broker's CONNACK tells in a property; the default of MQTT 5 where it tells none.</param>
internal sealed class Scope(ProtocolVersion version, string unique, Func<byte, long> told)
{
    private Dictionary<string, byte[]> _captured = [];

    public ProtocolVersion Version => version;

    /// <summary>
    /// Stands where a table has <c>~</c>, so that cases can share a broker at the same time.
    /// It is made of letters and digits, which every client identifier may have.
    /// </summary>
    public string Unique => unique;

    public long Told(byte property) => told(property);

    /// <summary>Which time a repeated group is written, from 1.</summary>
    public int Turn { get; set; }

    /// <summary>Whether the bytes are those that the name stands for. A new name stands for them from now on.</summary>
    public bool Holds(string name, ReadOnlySpan<byte> bytes)
    {
        if (_captured.TryGetValue(name, out var known))
        {
            return bytes.SequenceEqual(known);
        }

        _captured.Add(name, bytes.ToArray());
        return true;
    }

    /// <summary>Whether no name stands for the bytes yet.</summary>
    public bool IsNew(ReadOnlySpan<byte> bytes)
    {
        foreach (var known in _captured.Values)
        {
            if (bytes.SequenceEqual(known))
            {
                return false;
            }
        }

        return true;
    }

    public byte[] Captured(string name) =>
        _captured.TryGetValue(name, out var known) ? known : throw new FormatException($"Nothing has been captured as <{name}> yet.");

    /// <summary>Matches; what was captured on the way to a mismatch is forgotten.</summary>
    public bool Try(Func<bool> match)
    {
        var before = new Dictionary<string, byte[]>(_captured);
        if (match())
        {
            return true;
        }

        _captured = before;
        return false;
    }
}
