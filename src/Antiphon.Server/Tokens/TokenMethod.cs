using Antiphon.Broker.Authentication;

namespace Antiphon.Server.Tokens;

/// <summary>
/// Tokens as Authentication Data, by a method that Azure Event Grid named. A client can renew its token by re-authentication
/// (MQTT 5 §4.12.1) and stay connected.
/// </summary>
internal sealed class TokenMethod(Func<TokenCheck?> tokens) : IAuthenticationMethod, IAuthenticationExchange
{
    public string Name => "CUSTOM-JWT";

    public IAuthenticationExchange Begin(ConnectingClient client) => this;

    public ValueTask<AuthenticationResult> NextAsync(ReadOnlyMemory<byte>? data, CancellationToken cancellationToken) =>
        tokens() is { } check ? check.CheckAsync(data ?? default) : ValueTask.FromResult(AuthenticationResult.Reject());
}
