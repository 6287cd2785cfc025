using System.Diagnostics.CodeAnalysis;

namespace Antiphon.Protocol.Properties;

/// <summary>
/// Who has published a request, as the User Property <c>antiphon-caller</c> says it: <c>client=ID</c>, and behind it <c>;user=NAME</c>
/// where the client has one. Within either, <c>%</c> stands as <c>%25</c> and <c>;</c> as <c>%3B</c>, so that neither can hold the other.
/// </summary>
internal static class CallerText
{
    private const string Client = "client=";
    private const string User = "user=";

    /// <summary>Writes it.</summary>
    /// <param name="clientId">The Client Identifier.</param>
    /// <param name="userName">The user name; <c>null</c>: anonymous.</param>
    public static string Write(string clientId, string? userName) =>
        Client + Escape(clientId) + (userName is null ? "" : $";{User}{Escape(userName)}");

    /// <summary>Reads it.</summary>
    /// <param name="text">The text.</param>
    /// <param name="clientId">The Client Identifier.</param>
    /// <param name="userName">The user name; <c>null</c>: anonymous.</param>
    /// <returns>Whether it is one.</returns>
    public static bool TryRead(string text, [NotNullWhen(true)] out string? clientId, out string? userName)
    {
        clientId = userName = null;
        var parts = text.Split(';');
        return parts.Length <= 2
            && TryReadPart(parts[0], Client, out clientId)
            && (parts.Length == 1 || TryReadPart(parts[1], User, out userName));
    }

    private static string Escape(string value) =>
        value.Replace("%", "%25", StringComparison.Ordinal).Replace(";", "%3B", StringComparison.Ordinal);

    private static bool TryReadPart(string part, string name, [NotNullWhen(true)] out string? value)
    {
        value = null;
        if (!part.StartsWith(name, StringComparison.Ordinal))
        {
            return false;
        }

        var escaped = part[name.Length..];
        value = escaped.Replace("%3B", ";", StringComparison.Ordinal).Replace("%25", "%", StringComparison.Ordinal);
        return Escape(value) == escaped;
    }
}
