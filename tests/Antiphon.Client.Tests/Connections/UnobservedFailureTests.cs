using System.Collections.Concurrent;
using System.Net.Security;
using System.Runtime.CompilerServices;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Antiphon.Client.Tests.Peers;
using Antiphon.Client.Tests.Sessions;
using Antiphon.Client.Tests.Time;

namespace Antiphon.Client.Tests.Connections;

/// <summary>
/// However an attempt to connect fails, no task is left whose failure nobody has seen. Alone, since the runtime tells of all tasks at once.
/// </summary>
[Collection(typeof(AloneCollection))]
public sealed class UnobservedFailureTests : IDisposable
{
    private static readonly string[] Failures =
    [
        "refused", "name not found", "closed", "reset", "foreign", "timeout", "cancelled", "disposed", "never opened", "certificate",
        "refused by CONNACK",
    ];

    private readonly Authority _authority = new();
    private readonly ScriptedServer _server = new();
    private readonly ConcurrentQueue<Exception> _unobserved = new();
    private int _canaries;

    [Theory]
    [InlineData("TCP")]
    [InlineData("TLS")]
    [InlineData("WebSocket")]
    [InlineData("TLS and WebSocket")]
    public async Task Failed_attempts_leave_none(string transport)
    {
        TaskScheduler.UnobservedTaskException += Note;

        // What earlier tests have left behind is not meant.
        Collect();
        _unobserved.Clear();

        // Twice, since the very last ones may still be held by a thread that is about to end.
        foreach (var failure in (string[])[.. Failures, .. Failures])
        {
            if (failure != "certificate" || transport.StartsWith("TLS", StringComparison.Ordinal))
            {
                await FailAsync(transport, failure);
            }
        }

        Collect();

        Assert.Empty(_unobserved);
    }

    public void Dispose()
    {
        TaskScheduler.UnobservedTaskException -= Note;
        _server.Dispose();
        _authority.Dispose();
    }

    /// <summary>Collects until the failure of a task is told that nobody has seen and that is younger than all others.</summary>
    private void Collect()
    {
        Overlook();
        var limit = Limit.Token;
        while (Volatile.Read(ref _canaries) > 0)
        {
            limit.ThrowIfCancellationRequested();
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Overlook()
    {
        _canaries++;
        _ = Task.FromException(new CanaryException());
    }

    private void Note(object? sender, UnobservedTaskExceptionEventArgs unobserved)
    {
        if (unobserved.Exception.InnerException is CanaryException)
        {
            Interlocked.Decrement(ref _canaries);
        }
        else
        {
            _unobserved.Enqueue(unobserved.Exception);
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private async Task FailAsync(string transport, string failure)
    {
        var clock = new ManualTimeProvider();
        var options = _server.Options with
        {
            TimeProvider = clock,
            Tls = transport.StartsWith("TLS", StringComparison.Ordinal)
                ? new TlsOptions { CertificateAuthorities = _authority.Alone }
                : null,
            WebSocket = transport.EndsWith("WebSocket", StringComparison.Ordinal) ? new WebSocketOptions() : null,
        };
        switch (failure)
        {
            case "refused":
                using (var gone = new ScriptedServer())
                {
                    options = options with { Port = gone.Options.Port };
                }

                await FailsAsync(options);
                break;
            case "name not found":
                await FailsAsync(options with { Host = "no-such-host.invalid" });
                break;
            case "never opened":
                using (var cancellation = new CancellationTokenSource())
                {
                    var opening = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                    var connecting = MqttClient.ConnectAsync(options with { OpenStream = NeverAsync(opening) }, cancellation.Token);
                    await opening.Task.InTime();
                    await cancellation.CancelAsync();
                    await Assert.ThrowsAnyAsync<OperationCanceledException>(() => connecting.InTime());
                }

                break;
            case "disposed":
                var client = MqttClient.Start(options);
                var waiting = client.WaitUntilConnectedAsync(Limit.Token);
                using (await BeginAsync())
                {
                    await client.DisposeAsync().InTime();
                }

                await Assert.ThrowsAsync<ConnectionException>(() => waiting);
                break;
            case "cancelled":
                using (var cancellation = new CancellationTokenSource())
                {
                    var connecting = MqttClient.ConnectAsync(options, cancellation.Token);
                    using var silent = await BeginAsync();
                    await cancellation.CancelAsync();
                    await Assert.ThrowsAnyAsync<OperationCanceledException>(() => connecting.InTime());
                }

                break;
            default:
                var failing = FailsAsync(options);
                await AnswerAsync(options, failure, clock, failing);
                break;
        }
    }

    private static async Task FailsAsync(MqttClientOptions options) =>
        await Assert.ThrowsAsync<ConnectionException>(() => MqttClient.ConnectAsync(options, Limit.Token).InTime());

    private static Func<CancellationToken, ValueTask<Stream>> NeverAsync(TaskCompletionSource opening) => async cancellationToken =>
    {
        opening.SetResult();
        return await new TaskCompletionSource<Stream>().Task.WaitAsync(cancellationToken);
    };

    /// <summary>Takes a connection whose client has begun to speak.</summary>
    private async Task<ScriptedConnection> BeginAsync()
    {
        var connection = await _server.AcceptAsync();
        await connection.Stream.ReadExactlyAsync(new byte[1], Limit.Token);
        return connection;
    }

    private async Task AnswerAsync(MqttClientOptions options, string failure, ManualTimeProvider clock, Task failing)
    {
        if (failure == "refused by CONNACK")
        {
            await RefuseAsync(options);
            await failing;
            return;
        }

        if (failure == "certificate")
        {
            await ShowAsync(_authority.SelfSigned());
            await failing;
            return;
        }

        using var connection = await BeginAsync();
        switch (failure)
        {
            case "closed":
                connection.Dispose();
                break;
            case "reset":
                connection.Reset();
                break;
            case "foreign":
                await connection.SendAsync("SSH-2.0-OpenSSH_9.2\r\n"u8.ToArray());
                connection.Dispose();
                break;
            case "timeout":
                clock.Advance(options.ConnectTimeout);
                break;
            default:
                throw new ArgumentException($"There is no failure «{failure}».", nameof(failure));
        }

        await failing;
    }

    private async Task RefuseAsync(MqttClientOptions options)
    {
        using var connection = options.Tls is null
            ? await _server.AcceptAsync()
            : await _server.AcceptAsync(new SslServerAuthenticationOptions { ServerCertificate = _authority.Issue() });
        if (options.WebSocket is not null)
        {
            var webSocket = await ScriptedWebSocket.AcceptAsync(connection.Stream);
            await webSocket.ReadAsync();
            await webSocket.SendAsync("20 03 00 87 00");
        }
        else
        {
            await connection.AcceptAsync("20 03 00 87 00");
        }

        while (await connection.Stream.ReadAsync(new byte[1024], Limit.Token) > 0)
        {
            // What a WebSocket says at its end.
        }
    }

    /// <summary>Shows a certificate that the client does not trust.</summary>
    private async Task ShowAsync(X509Certificate2 certificate)
    {
        try
        {
            using var connection = await _server.AcceptAsync(new SslServerAuthenticationOptions { ServerCertificate = certificate });

            // The server's half of the handshake may have been over before the client looked.
            Assert.Equal(0, await connection.Stream.ReadAsync(new byte[1], Limit.Token));
        }
        catch (Exception gone) when (gone is IOException or AuthenticationException)
        {
            // The client has told why, or has just left.
        }
    }

    private sealed class CanaryException : Exception;
}
