using System.Text;
using Antiphon.Broker.Access;
using Antiphon.Broker.Sessions;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;
using Antiphon.Protocol.Properties;

namespace Antiphon.Broker.Publishing;

/// <summary>
/// Writes into requests who has published them, in the User Property <c>antiphon-caller</c>, behind all others. That departs from
/// [MQTT-3.3.2-17], which has a server change no User Properties (decision 0032). Owned by the engine's thread.
/// </summary>
internal sealed class CallerStamp(AccessControl access)
{
    private static readonly Fault Impostor = new(
        ReasonCode.NotAuthorized, "The request says in __srcId that another client asks. Only groups that are bridges speak for others.");

    private static readonly Fault Unnameable = new(
        ReasonCode.NotAuthorized,
        "Client Identifier and user name have no place in the User Property antiphon-caller: they are too long together, or the user name "
            + "is no MQTT string.");

    private byte[] _properties = [];

    private static ReadOnlySpan<byte> SourceProperty => "__srcId"u8;

    private static string Source { get; } = Encoding.UTF8.GetString(SourceProperty);

    private static string Name { get; } = Encoding.UTF8.GetString(BrokerPropertyName.Caller);

    /// <summary>Stamps a request. What a bridge has of another broker's stamps, stays as it is.</summary>
    /// <param name="publisher">Who publishes it.</param>
    /// <param name="request">The request; afterwards its properties are valid until the next one is stamped.</param>
    /// <returns>Why it is refused; default: it is stamped.</returns>
    public Fault Stamp(Session publisher, ref PublishView request)
    {
        var caller = access.CallerOf(publisher);
        var properties = request.ReadProperties();
        while (properties.TryRead(out var property))
        {
            if (property.Identifier == PropertyIdentifier.UserProperty
                && property.Bytes.SequenceEqual(SourceProperty)
                && !caller.MaySayItIs(property.Second))
            {
                return Impostor;
            }
        }

        if (caller.IsBridge && request.HasBrokerProperty && request.TryGetUserProperty(BrokerPropertyName.Caller, out _))
        {
            return default;
        }

        if (caller.Property.IsEmpty)
        {
            return Unnameable;
        }

        var length = request.Properties.Length + caller.Property.Length;
        if (_properties.Length < length)
        {
            _properties = GC.AllocateUninitializedArray<byte>(Math.Max(length, 2 * _properties.Length));
        }

        // The views into the section stay where they are, in the input.
        request.Properties.CopyTo(_properties);
        caller.Property.CopyTo(_properties.AsSpan(request.Properties.Length));
        request.Properties = _properties.AsSpan(0, length);
        return default;
    }

    /// <summary>A client wants to connect with that Will.</summary>
    /// <returns>Why CONNECT is refused; default: it may go on.</returns>
    public Fault CheckWill(ClientIdentity client, ApplicationMessage message)
    {
        if (message.ResponseTopic is null)
        {
            return default;
        }

        var caller = access.CallerOf(client);
        return message.UserProperties.Any(property =>
            property.Name == Source && !caller.MaySayItIs(Encoding.UTF8.GetBytes(property.Value)))
            ? Impostor
            : caller.Property.IsEmpty ? Unnameable : default;
    }

    /// <summary>The message of a Will, which <see cref="CheckWill"/> has let pass; a request is stamped.</summary>
    public ApplicationMessage Stamp(Session publisher, ApplicationMessage message) =>
        message.ResponseTopic is null
        || message.UserProperties.Any(property => property.Name == Name)
        || access.CallerOf(publisher).Text is not { } text
            ? message
            : message with { UserProperties = [.. message.UserProperties, new UserProperty(Name, text)] };
}
