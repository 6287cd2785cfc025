using System.Globalization;

namespace Antiphon.Cli.Probing;

/// <summary>What a broker can, as a line of JSON. What could not be found out, and what the broker does not limit, is left out.</summary>
internal sealed record ProbeResult
{
    public required string Host { get; init; }

    public required int Port { get; init; }

    /// <summary>
    /// Whether PUBACK says 0x10 when nobody is subscribed (MQTT 5 §3.4.2.1); <c>null</c>: the broker refused the message.
    /// </summary>
    public bool? NoMatchingSubscribersInPuback { get; init; }

    /// <summary>Whether PUBREC does (§3.5.2.1); <c>null</c>: the broker has no QoS 2, or refused the message.</summary>
    public bool? NoMatchingSubscribersInPubrec { get; init; }

    public required int MaximumQos { get; init; }

    /// <summary>Response Information (§3.2.2.3.15); <c>null</c>: none is given.</summary>
    public string? ResponseInformation { get; init; }

    /// <summary>Whether a second client was given another one; <c>null</c>: none is given.</summary>
    public bool? ResponseInformationDiffersByClient { get; init; }

    public required bool SharedSubscriptions { get; init; }

    public required bool WildcardSubscriptions { get; init; }

    public required bool SubscriptionIdentifiers { get; init; }

    public required bool RetainedMessages { get; init; }

    /// <summary>The highest Topic Alias that the broker takes; 0: none.</summary>
    public required int TopicAliasMaximum { get; init; }

    public required int ReceiveMaximum { get; init; }

    /// <summary>Bytes; <c>null</c>: no limit beyond the protocol's.</summary>
    public uint? MaximumPacketSize { get; init; }

    /// <summary>Seconds that the broker imposes; <c>null</c>: it leaves the Keep Alive to the client.</summary>
    public int? ServerKeepAlive { get; init; }

    /// <summary>Seconds that were asked for; <c>null</c>: for ever.</summary>
    public double? SessionExpiryAskedFor { get; init; }

    /// <summary>Seconds that a Session is kept; <c>null</c>: for ever.</summary>
    public double? SessionExpiry { get; init; }

    /// <summary>The result for people: what it is about, what there is, and whether that is good news (<c>null</c>: neither).</summary>
    public IEnumerable<(string Name, string Value, bool? IsGood)> Rows()
    {
        yield return ("0x10 in PUBACK", NoMatchingSubscribersInPuback switch
        {
            true => "yes: a request to nobody fails at once",
            false => "no: a request to nobody ends with its timeout",
            null => "unknown: the broker refused the message",
        }, NoMatchingSubscribersInPuback);
        yield return ("0x10 in PUBREC", NoMatchingSubscribersInPubrec switch
        {
            true => "yes",
            false => "no",
            null => MaximumQos < 2 ? "QoS 2 not available" : "unknown: the broker refused the message",
        }, NoMatchingSubscribersInPubrec);
        yield return ("Maximum QoS", MaximumQos.ToString(CultureInfo.InvariantCulture), null);
        yield return ("Response Information", ResponseInformation ?? "none", ResponseInformation is not null);
        if (ResponseInformationDiffersByClient is { } differs)
        {
            yield return ("  by client", differs ? "yes: each client has its own" : "no: all clients have the same", differs);
        }

        yield return YesNo("Shared subscriptions", SharedSubscriptions);
        yield return YesNo("Wildcard subscriptions", WildcardSubscriptions);
        yield return YesNo("Subscription Identifiers", SubscriptionIdentifiers);
        yield return YesNo("Retained messages", RetainedMessages);
        yield return (
            "Topic Alias Maximum",
            TopicAliasMaximum == 0 ? "0: no aliases" : TopicAliasMaximum.ToString(CultureInfo.InvariantCulture),
            null);
        yield return ("Receive Maximum", ReceiveMaximum.ToString(CultureInfo.InvariantCulture), null);
        yield return (
            "Maximum Packet Size",
            MaximumPacketSize is { } size ? string.Create(CultureInfo.InvariantCulture, $"{size} bytes") : "no limit of the broker's",
            null);
        yield return (
            "Server Keep Alive",
            ServerKeepAlive is { } seconds ? string.Create(CultureInfo.InvariantCulture, $"{seconds} s") : "left to the client",
            null);
        yield return ("Session Expiry", $"{Seconds(SessionExpiry)} ({Seconds(SessionExpiryAskedFor)} asked for)", null);
    }

    private static (string Name, string Value, bool? IsGood) YesNo(string name, bool value) => (name, value ? "yes" : "no", value);

    private static string Seconds(double? seconds) =>
        seconds is { } known ? string.Create(CultureInfo.InvariantCulture, $"{known} s") : "for ever";
}
