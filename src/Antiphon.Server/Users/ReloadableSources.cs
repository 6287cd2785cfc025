using Antiphon.Broker;
using Antiphon.Broker.Authentication;
using Antiphon.Protocol;
using Antiphon.Server.Tokens;

namespace Antiphon.Server.Users;

/// <summary>
/// Who may come, as the options and their files say it; a reload says it anew. Whoever is being asked meanwhile
/// is judged by what holds at the end. Safe from any thread.
/// </summary>
internal sealed class ReloadableSources : IAuthenticator
{
    private readonly FailedLogIns _failedLogIns;
    private readonly TimeProvider _time;
    private volatile UserSources _sources;

    public ReloadableSources(ServerOptions options, ServerFiles files)
    {
        _time = options.Broker.TimeProvider;
        _failedLogIns = new FailedLogIns(options.FailedLogIns, _time);
        _sources = From(options, files);
    }

    public async ValueTask<AuthenticationResult> AuthenticateAsync(ConnectingClient client, CancellationToken cancellationToken)
    {
        while (true)
        {
            var sources = _sources;
            var result = await sources.AuthenticateAsync(client, cancellationToken).ConfigureAwait(false);
            if (sources == _sources || result.ReasonCode != ReasonCode.Success)
            {
                return result;
            }
        }
    }

    /// <summary>Clients are judged by these from now on.</summary>
    /// <returns>The names of users that are in the password file no more.</returns>
    public IReadOnlyList<string> Renew(ServerOptions options, ServerFiles files)
    {
        var before = _sources.Users;
        _failedLogIns.Renew(options.FailedLogIns);
        _sources = From(options, files);
        return [.. before.UserNames.Where(name => !_sources.Users.Contains(name))];
    }

    /// <summary>The broker's options with whom to ask who clients are.</summary>
    /// <param name="broker">The broker's options.</param>
    /// <param name="options">Those of the server.</param>
    public BrokerOptions AskedBy(BrokerOptions broker, ServerOptions options)
    {
        List<IAuthenticationMethod> methods = [.. options.Broker.AuthenticationMethods];
        if (options.PasswordFile is not null)
        {
            methods.Add(new CurrentScram(this));
        }

        if (options.Jwt is not null)
        {
            methods.Add(new TokenMethod(() => _sources.Tokens));
        }

        return broker with
        {
            Authenticator = options.HasAuthenticator ? this : null,
            AuthenticationMethods = [.. methods.Select(method => new GuardedMethod(method, _failedLogIns))],
        };
    }

    private UserSources From(ServerOptions options, ServerFiles files) => new(files.Users, options.Broker.Authenticator)
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

        public IAuthenticationExchange Begin(ConnectingClient client) =>
            new Exchange(sources, sources._sources.Users.ScramSha256.Begin(client));
    }

    private sealed class Exchange(ReloadableSources sources, IAuthenticationExchange scram) : IAuthenticationExchange
    {
        public string? UserName => scram.UserName;

        public async ValueTask<AuthenticationResult> NextAsync(ReadOnlyMemory<byte>? data, CancellationToken cancellationToken)
        {
            var result = await scram.NextAsync(data, cancellationToken).ConfigureAwait(false);
            return result.User is { } user && !sources._sources.Users.ServesScram(user.Name)
                ? AuthenticationResult.Reject(ReasonCode.NotAuthorized)
                : result;
        }
    }
}
