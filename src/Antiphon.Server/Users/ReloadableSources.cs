using Antiphon.Broker.Authentication;
using Antiphon.Server.Tokens;

namespace Antiphon.Server.Users;

/// <summary>
/// Who may come, as the options and their files say it; a reload says it anew. Who is connected stays connected. Safe from any thread.
/// </summary>
internal sealed class ReloadableSources : IAuthenticator
{
    private readonly IAuthenticator? _others;
    private readonly FailedLogIns _failedLogIns;
    private readonly TimeProvider _time;
    private volatile UserSources _sources;

    public ReloadableSources(ServerOptions options, ServerFiles files)
    {
        _others = options.Broker.Authenticator;
        _time = options.Broker.TimeProvider;
        _failedLogIns = new FailedLogIns(options.FailedLogIns, _time);
        _sources = From(options, files);
        List<IAuthenticationMethod> methods = [.. options.Broker.AuthenticationMethods];
        if (options.PasswordFile is not null)
        {
            methods.Add(new CurrentScram(this));
        }

        if (options.Jwt is not null)
        {
            methods.Add(new TokenMethod(() => _sources.Tokens));
        }

        Methods = [.. methods.Select(method => new GuardedMethod(method, _failedLogIns))];
    }

    /// <summary>The methods of enhanced authentication.</summary>
    public IReadOnlyList<IAuthenticationMethod> Methods { get; }

    public ValueTask<AuthenticationResult> AuthenticateAsync(ConnectingClient client, CancellationToken cancellationToken) =>
        _sources.AuthenticateAsync(client, cancellationToken);

    /// <summary>Clients are judged by these from now on.</summary>
    public void Renew(ServerOptions options, ServerFiles files)
    {
        _failedLogIns.Renew(options.FailedLogIns);
        _sources = From(options, files);
    }

    private UserSources From(ServerOptions options, ServerFiles files) => new(files.Users, _others)
    {
        Tokens = options.Jwt is { } jwt && files.Keys is { } keys ? new TokenCheck(jwt, keys, _time) : null,
        Certificates = options.Listeners
            .Where(listener => listener.Tls is { UserFrom: not CertificateUser.None })
            .ToDictionary(listener => listener.Name, listener => listener.Tls!.UserFrom, StringComparer.Ordinal),
        FailedLogIns = _failedLogIns,
    };

    /// <summary>SCRAM against the users of the moment.</summary>
    private sealed class CurrentScram(ReloadableSources sources) : IAuthenticationMethod
    {
        public string Name => CredentialList.Empty.ScramSha256.Name;

        public IAuthenticationExchange Begin(ConnectingClient client) => sources._sources.Users.ScramSha256.Begin(client);
    }
}
