using System.Text;
using Antiphon.Protocol.Topics;

namespace Antiphon.Rpc.Requesting.Topics;

/// <summary>Where a requester wants its responses.</summary>
internal static class ResponseTopic
{
    /// <summary>A topic of its own for one requester.</summary>
    /// <param name="prefix">What the application chose; <c>null</c>: nothing.</param>
    /// <param name="responseInformation">What the server gave (MQTT 5 §3.2.2.3.15); <c>null</c>: nothing.</param>
    /// <param name="clientId">The Client Identifier, to fall back on.</param>
    /// <param name="lastLevel">
    /// A random level: there are servers that give every client the same Response Information, and one client may have several requesters.
    /// </param>
    public static string Build(string? prefix, string? responseInformation, string clientId, string lastLevel)
    {
        var start = prefix ?? (IsUsable(responseInformation) ? responseInformation! : $"clients/{Escape(clientId)}");
        return start.EndsWith('/') ? start + lastLevel : $"{start}/{lastLevel}";
    }

    /// <summary>
    /// What the standard calls the basis of a Response Topic may be anything; only a Topic Name without wildcards is one that can be used.
    /// </summary>
    private static bool IsUsable(string? responseInformation)
    {
        if (string.IsNullOrEmpty(responseInformation))
        {
            return false;
        }

        try
        {
            TopicName.ThrowIfInvalid(responseInformation, nameof(responseInformation));
            return true;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }

    /// <summary>
    /// Makes one level of any Client Identifier: the level separator, the wildcards and the escape character itself are written as
    /// in a URI.
    /// </summary>
    private static string Escape(string clientId)
    {
        if (!clientId.AsSpan().ContainsAny("/+#%"))
        {
            return clientId;
        }

        var level = new StringBuilder(clientId.Length + 8);
        foreach (var character in clientId)
        {
            _ = character is '/' or '+' or '#' or '%'
                ? level.Append('%').Append(((int)character).ToString("X2", null))
                : level.Append(character);
        }

        return level.ToString();
    }
}
