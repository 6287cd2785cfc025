namespace Antiphon.Bench.Scenarios;

/// <summary>What kind of work a scenario is.</summary>
internal enum Kind
{
    /// <summary>Requests and their answers.</summary>
    RoundTrips,

    /// <summary>Messages one way, from publishers to subscribers.</summary>
    Stream,

    /// <summary>Connecting, subscribing and leaving.</summary>
    Churn,

    /// <summary>Connections that say nothing.</summary>
    Idle,
}

/// <summary>One shape of load.</summary>
/// <param name="Name">What the command line and the results call it.</param>
/// <param name="Kind">What kind it is.</param>
/// <param name="Senders">Requesters, or publishers; for churn: how many connect at once.</param>
/// <param name="Receivers">Responders, or subscribers.</param>
/// <param name="Window">Messages that each sender has on their way at any time.</param>
/// <param name="Payload">Bytes of payload.</param>
/// <param name="Shared">Whether the responders are one share group.</param>
/// <param name="Quality">QoS, 0 or 1.</param>
internal sealed record Scenario(string Name, Kind Kind, int Senders, int Receivers, int Window, int Payload, bool Shared, int Quality)
{
    private static readonly string[] Quick = ["64x4-w1-qos0", "16x4-w32-qos0", "16x4-w32-qos1", "pairs-qos0", "fanout-1x100-qos0"];

    public static IReadOnlyList<Scenario> All { get; } =
    [
        .. BothQualities("1x1-w1", Kind.RoundTrips, 1, 1, 1, 64),
        .. BothQualities("64x4-w1", Kind.RoundTrips, 64, 4, 1, 64),
        .. BothQualities("16x4-w32", Kind.RoundTrips, 16, 4, 32, 64),
        .. BothQualities("256x16-w4", Kind.RoundTrips, 256, 16, 4, 64),
        .. BothQualities("share-64x8-w16", Kind.RoundTrips, 64, 8, 16, 1024, shared: true),
        .. BothQualities("pairs", Kind.Stream, 16, 16, 8, 64),
        .. BothQualities("fanout-1x100", Kind.Stream, 1, 100, 8, 64),
        new("churn", Kind.Churn, 16, 0, 0, 0, false, 0),
        new("idle", Kind.Idle, 15_000, 0, 0, 0, false, 0),
    ];

    public bool IsQuick => Quick.Contains(Name);

    /// <summary>What is counted.</summary>
    public string Unit => Kind switch
    {
        Kind.RoundTrips => "round trip",
        Kind.Stream => "delivery",
        Kind.Churn => "connection",
        _ => "connection",
    };

    /// <summary>In words.</summary>
    public string Description => Kind switch
    {
        Kind.RoundTrips =>
            $"{Senders} requesters × {Receivers} responders{(Shared ? " in one share group" : "")}, "
            + $"window {Window}, {Payload} B, QoS {Quality}",
        Kind.Stream when Senders == 1 =>
            $"1 publisher to {Receivers} subscribers, window {Window}, {Payload} B, QoS {Quality}; per delivery",
        Kind.Stream => $"{Senders} publishers, each to a subscriber of its own, window {Window}, {Payload} B, QoS {Quality}; per delivery",
        Kind.Churn => $"connect, subscribe, disconnect; {Senders} at a time",
        _ => "connections with one subscription each that say nothing; bytes each from the slope between 5,000 and 15,000",
    };

    private static IEnumerable<Scenario> BothQualities(
        string name, Kind kind, int senders, int receivers, int window, int payload, bool shared = false) =>
        [
            .. from quality in (int[])[0, 1]
               select new Scenario($"{name}-qos{quality}", kind, senders, receivers, window, payload, shared, quality),
        ];
}
