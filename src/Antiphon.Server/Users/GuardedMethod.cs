using Antiphon.Broker.Authentication;

namespace Antiphon.Server.Users;

/// <summary>A method of enhanced authentication whose failures are slowed, as far as it says who the client claims to be.</summary>
internal sealed class GuardedMethod(IAuthenticationMethod method, FailedLogIns failedLogIns) : IAuthenticationMethod
{
    public string Name => method.Name;

    public IAuthenticationExchange Begin(ConnectingClient client) => new Exchange(method.Begin(client), client, failedLogIns);

    private sealed class Exchange(IAuthenticationExchange exchange, ConnectingClient client, FailedLogIns failedLogIns)
        : IAuthenticationExchange
    {
        public string? UserName => exchange.UserName;

        public async ValueTask<AuthenticationResult> NextAsync(ReadOnlyMemory<byte>? data, CancellationToken cancellationToken)
        {
            if (UserName is { } known && failedLogIns.RefusalOf(client, known) is { } tooEarly)
            {
                return tooEarly;
            }

            var isToSayWho = UserName is null;
            var result = await exchange.NextAsync(data, cancellationToken).ConfigureAwait(false);
            if (UserName is not { } name)
            {
                return result;
            }

            if (isToSayWho && failedLogIns.RefusalOf(client, name) is { } stillTooEarly)
            {
                return stillTooEarly;
            }

            failedLogIns.Count(client, name, result);
            return result;
        }
    }
}
