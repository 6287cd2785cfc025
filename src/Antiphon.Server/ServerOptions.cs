using System.Net;
using Antiphon.Broker;

namespace Antiphon.Server;

/// <summary>
/// How a broker for a public address is to run: where it listens and with which certificates, who may come, within which limits.
/// A configuration file and a program bind to this same record. Immutable; checked once, and all mistakes are reported together.
/// </summary>
public sealed record ServerOptions
{
    /// <summary>
    /// Where it listens; one listener of plain MQTT at 127.0.0.1:1883 unless said otherwise. Empty: connections come through
    /// <see cref="BrokerHost.Accept"/> only, as those of <c>MapAntiphonWebSocket</c> do.
    /// </summary>
    public IReadOnlyList<ServerListener> Listeners { get; init; } = [new ServerListener { Name = "mqtt://127.0.0.1:1883" }];

    /// <summary>
    /// The limits, and who may come; its <see cref="BrokerOptions.Bind"/>, <see cref="BrokerOptions.Port"/> and
    /// <see cref="BrokerOptions.Listeners"/> are not used.
    /// </summary>
    public BrokerOptions Broker { get; init; } = new();

    /// <summary>
    /// The file of users and their passwords, as <c>antiphon passwd</c> keeps it; <c>null</c>: none.
    /// <see cref="BrokerOptions.Authenticator"/>, if there is one, is asked about who is not in it or has another password there.
    /// SCRAM-SHA-256 against the file is one of the Authentication Methods too.
    /// </summary>
    public string? PasswordFile { get; init; }

    /// <summary>Which tokens prove who a client is; <c>null</c>: none, and what looks like one is a password.</summary>
    public JwtOptions? Jwt { get; init; }

    /// <summary>How those are slowed who try passwords.</summary>
    public FailedLogInLimits FailedLogIns { get; init; } = new();

    /// <summary>The endpoint for operators; <c>null</c>, as unless said otherwise: there is none.</summary>
    public AdminOptions? Admin { get; init; }

    /// <summary>
    /// The audit log; <c>null</c>, as unless said otherwise: there is none. It stands for <see cref="BrokerOptions.ExchangeObserver"/>.
    /// </summary>
    public AuditOptions? Audit { get; init; }

    /// <summary>What the program writes to its log; a program that embeds the server has settings of its own for that.</summary>
    public LogOptions Log { get; init; } = new();

    /// <summary>Whether anything judges what CONNECT says of who a client is.</summary>
    internal bool HasAuthenticator =>
        PasswordFile is not null
        || Jwt is not null
        || Broker.Authenticator is not null
        || Listeners.Any(listener => listener.Tls is { UserFrom: not CertificateUser.None });

    /// <summary>Whether anybody asks clients who they are.</summary>
    internal bool IdentifiesClients => HasAuthenticator || Broker.IdentifiesClients;

    /// <summary>All that is wrong, a sentence each; files are not looked at.</summary>
    internal IReadOnlyList<string> Mistakes()
    {
        var mistakes = new List<string>();
        foreach (var listener in Listeners)
        {
            mistakes.AddRange(listener.Mistakes());
            if (IsOpenToStrangers(listener))
            {
                mistakes.Add(StrangersSentence(listener.Name, listener.Bind));
            }
        }

        mistakes.AddRange(Listeners.GroupBy(listener => listener.Name).Where(same => same.Count() > 1).Select(same =>
            $"{same.Count()} listeners have the name «{same.Key}»; each has to have one of its own."));
        mistakes.AddRange(Jwt?.Mistakes() ?? []);
        mistakes.AddRange(FailedLogIns.Mistakes());
        if (Audit is not null && Broker.ExchangeObserver is not null)
        {
            mistakes.Add("Audit and Broker.ExchangeObserver are both set; exchanges have one observer.");
        }

        mistakes.AddRange(Admin?.Mistakes() ?? []);
        mistakes.AddRange(Audit?.Mistakes() ?? []);
        mistakes.AddRange((Broker with { Listeners = [] }).Mistakes());
        return mistakes;
    }

    /// <summary>Whether others than programs on this machine reach a listener, and nobody asks who they are.</summary>
    internal bool IsOpenToStrangers(ServerListener listener) =>
        !Broker.AllowAnonymous && !IdentifiesClients && !IPAddress.IsLoopback(listener.Bind);

    internal static string StrangersSentence(string listener, IPAddress bind) =>
        $"The listener «{listener}» is bound to {bind}, which other machines can reach, and nobody asks who they are: "
            + "name a password file or the keys of tokens, bind a loopback address, or allow anonymous clients.";
}
