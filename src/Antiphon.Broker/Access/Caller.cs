using System.Text;
using Antiphon.Protocol.Properties;
using Antiphon.Protocol.Wire;

namespace Antiphon.Broker.Access;

/// <summary>
/// What the broker says of a client to those that its requests reach, and what the client may say of itself. It holds for one connection,
/// and for the rules and the bridges that it was made by. Immutable.
/// </summary>
internal sealed class Caller
{
    private readonly byte[] _clientId;
    private readonly byte[] _property;

    /// <param name="client">The client.</param>
    /// <param name="rules">The rules in whose groups it was looked for.</param>
    /// <param name="bridgeGroups">The groups that are bridges.</param>
    /// <param name="isBridge">Whether it speaks for others as well.</param>
    public Caller(ClientIdentity client, AccessRules? rules, IReadOnlyList<string> bridgeGroups, bool isBridge)
    {
        Rules = rules;
        BridgeGroups = bridgeGroups;
        IsBridge = isBridge;
        _clientId = Encoding.UTF8.GetBytes(client.ClientId);
        var text = CallerText.Write(client.ClientId, client.UserName);
        Text = IsString(text) ? text : null;
        _property = Text is null ? [] : Encode(Text);
    }

    /// <summary>The rules whose groups it was made by.</summary>
    public AccessRules? Rules { get; }

    /// <summary>The groups that were bridges when it was made.</summary>
    public IReadOnlyList<string> BridgeGroups { get; }

    /// <summary>Whether it speaks for others as well.</summary>
    public bool IsBridge { get; }

    /// <summary>What is said of it; <c>null</c>: no MQTT string can say it, since it is too long, for example.</summary>
    public string? Text { get; }

    /// <summary><see cref="Text"/> as a User Property on the wire; empty where there is none.</summary>
    public ReadOnlySpan<byte> Property => _property;

    /// <summary>What a client says in <c>__srcId</c>.</summary>
    /// <returns>Whether it may say so.</returns>
    public bool MaySayItIs(ReadOnlySpan<byte> clientId) => IsBridge || clientId.SequenceEqual(_clientId);

    /// <summary>Whether MQTT can carry a text. A user name may come from anywhere.</summary>
    private static bool IsString(string text)
    {
        try
        {
            return Utf8Text.GetByteCount(text) >= 0;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }

    private static byte[] Encode(string text)
    {
        var writer = new WireWriter(stackalloc byte[256]);
        writer.WriteByte((byte)PropertyIdentifier.UserProperty);
        writer.WriteBinary(BrokerPropertyName.Caller);
        writer.WriteString(text);
        var property = writer.Written.ToArray();
        writer.Dispose();
        return property;
    }
}
