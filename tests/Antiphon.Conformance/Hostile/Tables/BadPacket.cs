using Antiphon.Conformance.Wire;

namespace Antiphon.Conformance.Hostile.Tables;

/// <summary>Bytes that no client may send, and how that may end.</summary>
/// <param name="Name">What is wrong with them.</param>
/// <param name="Bytes">In the notation of the tables; what stands in <c>( … )</c> is not there in MQTT 3.1.1.</param>
/// <param name="Endings">
/// What the peer may see, parted by <c>|</c>. A number is a Reason Code in DISCONNECT, or in CONNACK before the connection stands.
/// <c>silence</c> is the end without a word. <c>refusal</c> is an acknowledgement with a code of 80 or above; the connection goes on.
/// <c>on</c> says that it goes on. There are several where the standard names no code or leaves a choice.
/// MQTT 3.1.1 has no word to end with: there each code of 80 or above is silence.
/// </param>
/// <param name="Labels">The statements that they are against, parted by blanks, where these have labels.</param>
internal sealed record BadPacket(string Name, string Bytes, string Endings, string Labels = "")
{
    /// <summary>Whether they are sent in the place of CONNECT.</summary>
    public bool IsFirst { get; init; }

    /// <summary>Whether something may follow them. A header that announces too much has to be refused as it is.</summary>
    public bool IsWhole { get; init; } = true;

    /// <summary>Whether the rule is this broker's own, such as its Maximum Packet Size.</summary>
    public bool IsOwnRule { get; init; }

    public bool InV5 { get; init; } = true;

    public bool InV311 { get; init; }

    public IEnumerable<string> EndingsIn(ProtocolVersion version) =>
        Endings.Split('|').Select(ending => version == ProtocolVersion.V311 && ending[0] is '8' or '9' ? "silence" : ending);
}
