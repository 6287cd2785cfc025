namespace Antiphon.Protocol.Properties;

/// <summary>
/// The names of the User Properties that only an Antiphon broker writes. It takes none of them from clients,
/// so that whoever is connected to one may believe them.
/// </summary>
internal static class BrokerPropertyName
{
    /// <summary>CONNACK, value «1»: the server is an Antiphon broker.</summary>
    public const string Broker = "antiphon";

    /// <summary>Request: who has published it, see <see cref="CallerText"/>.</summary>
    public static ReadOnlySpan<byte> Caller => "antiphon-caller"u8;

    /// <summary>Response made by the broker: why.</summary>
    public static ReadOnlySpan<byte> Reason => "antiphon-reason"u8;

    /// <summary>Acknowledgement of a request: how many have been given it.</summary>
    public static ReadOnlySpan<byte> Recipients => "antiphon-recipients"u8;

    /// <summary>Request: how long it has been under way.</summary>
    public static ReadOnlySpan<byte> Age => "antiphon-age-ms"u8;

    /// <summary>Whether a message may have that User Property only from the broker.</summary>
    public static bool Includes(ReadOnlySpan<byte> name) => name.Length switch
    {
        15 => name.SequenceEqual(Caller) || name.SequenceEqual(Reason) || name.SequenceEqual(Age),
        19 => name.SequenceEqual(Recipients),
        _ => false,
    };
}
