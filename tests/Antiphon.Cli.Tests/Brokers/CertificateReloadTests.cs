using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using Antiphon.Client;
using Antiphon.Rpc;

namespace Antiphon.Cli.Tests.Brokers;

/// <summary>Certificates are replaced while clients call over TLS, without a call or a connection that notices.</summary>
public sealed class CertificateReloadTests : IDisposable
{
    private const int Callers = 4;
    private const int Reloads = 5;

    /// <summary>How many calls each caller has to end between one reload and the next.</summary>
    private const int CallsBetween = 50;

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    private readonly BrokerFolder _folder = new();
    private readonly List<ConnectionStateChange> _changes = [];

    private static CancellationToken Ending => TestContext.Current.CancellationToken;

    private TlsOptions Trusting => new() { CertificateAuthorities = _folder.Certificates.Authority.Alone };

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task No_call_fails_and_no_connection_is_dropped_while_certificates_are_replaced()
    {
        var shown = Renew();
        await using var broker = _folder.Start(
            """
            { "listeners": [ { "url": "mqtts://127.0.0.1:0", "certificate": "server.pem", "key": "server.key" } ],
              "log": { "level": "info" } }
            """);
        var port = await BrokerFolder.PortAsync(broker, "mqtts://127.0.0.1:");
        await using var device = await ConnectAsync(port);
        await using var responder = new Responder(device);
        await responder.RespondAsync("echo", request => request.Text, cancellationToken: Ending);
        var clients = new List<MqttClient>();
        var callers = new List<Caller>();
        try
        {
            for (var i = 0; i < Callers; i++)
            {
                clients.Add(await ConnectAsync(port));
                callers.Add(new Caller(new Requester(clients[^1])));
            }

            Assert.Equal(shown, await ShownAsync(port));
            for (var i = 0; i < Reloads; i++)
            {
                var earlier = shown;
                shown = Renew();
                Assert.NotEqual(earlier, shown);
                await broker.HangUpAsync();

                // The same sentence stands in the log after each reload, so what connections are shown tells that it has been done.
                // Each look is a new connection in the midst of the reload; it has to see one certificate or the other.
                using var patience = new CancellationTokenSource(Patience);
                while (await ShownAsync(port) is var now && now != shown)
                {
                    Assert.Equal(earlier, now);
                    patience.Token.ThrowIfCancellationRequested();
                }

                await Task.WhenAll(callers.Select(caller => caller.CallsAsync(CallsBetween))).WaitAsync(Patience, Ending);
            }
        }
        finally
        {
            foreach (var caller in callers)
            {
                await caller.DisposeAsync();
            }

            foreach (var client in clients)
            {
                await client.DisposeAsync();
            }
        }

        Assert.All(callers, caller => Assert.True(caller.Answered >= Reloads * CallsBetween, $"{caller.Answered} calls were answered."));
        Assert.DoesNotContain(_changes, change => change.State == ConnectionState.Reconnecting);
        await broker.TerminateAsync();
        Assert.DoesNotContain("warn", (await broker.EndAsync()).Errors, StringComparison.Ordinal);
    }

    private async Task<MqttClient> ConnectAsync(int port)
    {
        var client = await BrokerFolder.ConnectAsync(port, options => options with { Tls = Trusting });
        client.StateChanged += (_, change) =>
        {
            lock (_changes)
            {
                _changes.Add(change);
            }
        };
        return client;
    }

    /// <summary>Writes another certificate and its key over those that there are; gives its serial number.</summary>
    private string Renew()
    {
        var certificate = _folder.Certificates.Authority.Issue("localhost", lastDay: 20);
        _folder.Certificates.WriteFiles("server", certificate);
        return certificate.SerialNumber;
    }

    /// <summary>The serial number of the certificate that a new connection is shown.</summary>
    private async Task<string> ShownAsync(int port)
    {
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        policy.CustomTrustStore.AddRange(_folder.Certificates.Authority.Alone);
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, port, Ending);
        await using var stream = new SslStream(client.GetStream());
        await stream.AuthenticateAsClientAsync(new() { TargetHost = "localhost", CertificateChainPolicy = policy }, Ending);
        return ((X509Certificate2)stream.RemoteCertificate!).SerialNumber;
    }

    /// <summary>Calls without a pause. A call that fails ends it, and the test.</summary>
    private sealed class Caller : IAsyncDisposable
    {
        private readonly Requester _requester;
        private readonly CancellationTokenSource _end = new();
        private readonly SemaphoreSlim _answers = new(0);
        private readonly Task _calling;
        private int _answered;

        public Caller(Requester requester)
        {
            _requester = requester;
            _calling = CallAsync();
        }

        /// <summary>How many calls were answered, rightly.</summary>
        public int Answered => Volatile.Read(ref _answered);

        /// <summary>Waits until so many more calls have been answered.</summary>
        public async Task CallsAsync(int count)
        {
            var wanted = Answered + count;
            while (Answered < wanted)
            {
                var answer = _answers.WaitAsync(_end.Token);
                if (await Task.WhenAny(answer, _calling) == _calling)
                {
                    await _calling;
                }
            }
        }

        public async ValueTask DisposeAsync()
        {
            await _end.CancelAsync();
            await _calling;
            await _requester.DisposeAsync();
            _end.Dispose();
            _answers.Dispose();
        }

        private async Task CallAsync()
        {
            await Task.Yield();
            while (!_end.IsCancellationRequested)
            {
                // The timeout is there for the worst only.
                var response = await _requester.RequestAsync(
                    "echo", "on", new RequestOptions { Timeout = Patience }, cancellationToken: CancellationToken.None);
                Assert.Equal("on", response.Text);
                Interlocked.Increment(ref _answered);
                _answers.Release();
            }
        }
    }
}
