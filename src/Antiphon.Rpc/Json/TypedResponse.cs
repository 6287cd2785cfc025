using Antiphon.Protocol.Properties;

namespace Antiphon.Rpc;

/// <summary>A response whose payload was read as an object, with what came beside it.</summary>
/// <param name="Value">What the payload holds; <c>null</c> where its JSON is null.</param>
/// <param name="Message">The response as it came.</param>
/// <typeparam name="T">What the payload is read as.</typeparam>
public readonly record struct Response<T>(T? Value, Response Message)
{
    /// <summary>The status that the responder gave, an HTTP status code, 200 to 299; <c>null</c>: it gave none.</summary>
    public int? Status => Message.Status;

    /// <summary>The sentence beside the status; <c>null</c>: none.</summary>
    public string? StatusMessage => Message.StatusMessage;

    /// <summary>User Properties in their order, those of the profile included; a new list each time.</summary>
    public IReadOnlyList<UserProperty> UserProperties => Message.UserProperties;

    /// <summary>From the call to the arrival of the response.</summary>
    public TimeSpan Elapsed => Message.Elapsed;
}
