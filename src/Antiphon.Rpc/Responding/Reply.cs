using System.Text;
using Antiphon.Protocol.Properties;

namespace Antiphon.Rpc;

/// <summary>
/// What a handler answers. Text and bytes turn into one by themselves. Immutable, as long as nobody writes to the memory behind
/// <see cref="Payload"/>. The default value is a success that says nothing more.
/// </summary>
public readonly record struct Reply
{
    private const short Success = 200;

    /// <summary>A success that says nothing more.</summary>
    public static readonly Reply Empty;

    private readonly IReadOnlyList<UserProperty>? _userProperties;
    private readonly short _status;

    /// <summary>The payload; may be empty. It is copied when the handler has ended, so that it may be the request's own.</summary>
    public ReadOnlyMemory<byte> Payload { get; init; }

    /// <summary>What the payload is, for instance a MIME type; <c>null</c>: not said.</summary>
    public string? ContentType { get; init; }

    /// <summary>Whether the payload is UTF-8 text; <c>null</c>: not said.</summary>
    public bool? PayloadIsUtf8 { get; init; }

    /// <summary>User Properties in their order, after those of the profile; never <c>null</c>.</summary>
    public IReadOnlyList<UserProperty> UserProperties
    {
        get => _userProperties ?? [];
        init => _userProperties = value;
    }

    /// <summary>The status, an HTTP status code: 200 to 299 is a success, anything else an error.</summary>
    public int Status
    {
        // Kept as 0 where it is the usual one, so that the default value is a success.
        get => _status == 0 ? Success : _status;
        private init => _status = value == Success ? (short)0 : (short)value;
    }

    /// <summary>The sentence beside the status; <c>null</c>: none.</summary>
    public string? StatusMessage { get; private init; }

    /// <summary>Whether the error is the application's own.</summary>
    internal bool IsApplicationError { get; private init; }

    /// <summary>When to ask again.</summary>
    internal TimeSpan? RetryAfter { get; init; }

    /// <summary>Text as UTF-8.</summary>
    /// <param name="text">The payload; <c>null</c> is empty.</param>
    public static implicit operator Reply(string? text) => FromText(text);

    /// <summary>Bytes.</summary>
    /// <param name="payload">The payload; <c>null</c> is empty.</param>
    public static implicit operator Reply(byte[]? payload) => FromBytes(payload);

    /// <summary>Bytes.</summary>
    /// <param name="payload">The payload.</param>
    public static implicit operator Reply(ReadOnlyMemory<byte> payload) => FromBytes(payload);

    /// <summary>Text as UTF-8.</summary>
    /// <param name="text">The payload; <c>null</c> is empty.</param>
    public static Reply FromText(string? text) => new() { Payload = Encoding.UTF8.GetBytes(text ?? ""), PayloadIsUtf8 = true };

    /// <summary>Bytes.</summary>
    /// <param name="payload">The payload, not to be changed any more.</param>
    public static Reply FromBytes(ReadOnlyMemory<byte> payload) => new() { Payload = payload };

    /// <summary>An error of the application: the requester's call ends with <see cref="RemoteErrorException"/>.</summary>
    /// <param name="status">An HTTP status code, 400 to 599.</param>
    /// <param name="message">A sentence for the requester.</param>
    /// <exception cref="ArgumentOutOfRangeException">The status is none.</exception>
    public static Reply Error(int status, string message)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(status, 400);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(status, 599);
        return new Reply { Status = status, StatusMessage = message, IsApplicationError = true };
    }

    /// <summary>An error of the layers below the application.</summary>
    internal static Reply Failure(int status, string message) => new() { Status = status, StatusMessage = message };
}
