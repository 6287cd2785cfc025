namespace Antiphon.Client;

/// <summary>How to connect by WebSocket (MQTT 5 §6), encrypted where <see cref="MqttClientOptions.Tls"/> is set. Immutable.</summary>
public sealed record WebSocketOptions
{
    internal const string DefaultPath = "/mqtt";

    /// <summary>The path at the server, with a query where there is one; it begins with a slash.</summary>
    public string Path { get; init; } = DefaultPath;

    /// <summary>Headers of the HTTP request that opens the connection, such as Authorization, in their order.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Headers { get; init; } = [];

    internal IEnumerable<string> Mistakes()
    {
        if (Path is not ['/', ..] || !Uri.IsWellFormedUriString(Path, UriKind.Relative))
        {
            yield return $"WebSocket.Path is «{Path}»; it has to begin with a slash and to be what may stand in a URI.";
        }

        if (Headers is null)
        {
            yield return "WebSocket.Headers is null; leave it empty instead.";
        }

        foreach (var (name, value) in Headers ?? [])
        {
            if (string.IsNullOrEmpty(name) || name.AsSpan().ContainsAny(" :\r\n") || value is null || value.AsSpan().ContainsAny("\r\n\0"))
            {
                yield return $"WebSocket.Headers has «{name}», which is no HTTP header: a name without blanks and colons, a "
                    + "value of one line.";
            }
        }
    }
}
