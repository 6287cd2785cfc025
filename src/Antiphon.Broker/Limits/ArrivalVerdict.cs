namespace Antiphon.Broker.Limits;

/// <summary>What is thought of a connection as soon as its address is known. Its CONNECT is answered with it.</summary>
internal enum ArrivalVerdict : byte
{
    /// <summary>It may connect.</summary>
    Welcome,

    /// <summary>Its address has as many connections as it may.</summary>
    TooManyOfAddress,

    /// <summary>Its address connects more often than it may.</summary>
    TooOftenOfAddress,

    /// <summary>All addresses together connect more often than they may.</summary>
    TooOften,
}
