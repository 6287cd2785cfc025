using System.IO.Pipelines;
using Antiphon.Broker.Authentication;
using Antiphon.Client.Tests.Time;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;
using Microsoft.Extensions.Logging;

namespace Antiphon.Broker.Tests.Transport;

/// <summary>What a host gives the broker may throw where it likes: it is counted, and ends one connection at most.</summary>
public sealed class ForeignCodeTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(1);

    public static TheoryData<BrokerTransport> Transports => BrokerHostTests.Transports;

    [Theory]
    [MemberData(nameof(Transports))]
    public async Task A_log_that_throws_leaves_nothing_undone(BrokerTransport transport)
    {
        using var log = new ThrowingLog();
        await using var broker = BrokerHost.Start(new BrokerOptions
        {
            Port = 0,
            Transport = transport,
            LoggerFactory = log,
            AuthenticationMethods = [],
            Authenticator = new ThrowingAuthenticator(),
            MaximumConcurrentAuthentications = 1,
        });
        for (var i = 0; i < 3; i++)
        {
            // The authenticator's failure is logged on a thread of its own, the connection's end on the loop's.
            await using var client = await TcpPeer.OpenAsync(broker);
            await client.SendAsync(new ConnectPacket { ClientId = "client", UserName = "bad" });
            Assert.Equal(ReasonCode.ServerUnavailable, (await client.NextAsync<ConnAckPacket>()).ReasonCode);
            Assert.Null(await client.NextAsync());
        }

        await using var good = await TcpPeer.ConnectAsync(broker, "good", connect => connect with { UserName = "good" });
        await good.SendAsync(PingReqPacket.Instance);
        await good.NextAsync<PingRespPacket>();
        Assert.True(broker.Counters.Defects >= 3);
    }

    [Fact]
    public async Task The_name_of_a_client_about_which_an_authenticator_throws_begins_no_line_of_the_log()
    {
        using var log = new RecordedLog(LogLevel.Error);
        await using var broker = BrokerHost.Start(
            new BrokerOptions { Port = 0, LoggerFactory = log, Authenticator = new ThrowingAuthenticator() });
        await using var client = await TcpPeer.OpenAsync(broker);

        await client.SendAsync(new ConnectPacket { ClientId = "a\nCritical: b", UserName = "bad" });

        Assert.Contains("«a\uFFFDCritical: b»", await log.NextAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_throws_when_an_authentication_is_cancelled_ends_nothing_else()
    {
        using var log = new RecordedLog(LogLevel.Error);
        var authenticator = new ThrowingAuthenticator();
        var clock = new ManualTimeProvider();
        var options = new BrokerOptions { Port = 0, Authenticator = authenticator, LoggerFactory = log, TimeProvider = clock };
        await using var broker = BrokerHost.Start(options);
        await using var late = await TcpPeer.OpenAsync(broker);
        await late.SendAsync(new ConnectPacket { ClientId = "late", UserName = "late" });
        await authenticator.HasBegun.WaitAsync(Limit, TestContext.Current.CancellationToken);
        clock.Advance(options.ConnectTimeout + TimeSpan.FromSeconds(1));
        Assert.Equal(ReasonCode.ServerUnavailable, (await late.NextAsync<ConnAckPacket>()).ReasonCode);

        Assert.Contains("told to give up", await log.NextAsync(), StringComparison.Ordinal);
        await using var good = await TcpPeer.ConnectAsync(broker, "good", connect => connect with { UserName = "good" });
        Assert.Equal(1, broker.Counters.Defects);
    }

    [Fact]
    public async Task A_stream_that_cannot_be_closed_ends_with_its_connection()
    {
        using var log = new RecordedLog(LogLevel.Error);
        await using var broker = BrokerHost.Start(new BrokerOptions { Listeners = [], LoggerFactory = log });
        var (client, stream) = Pipes();
        await using var peer = TcpPeer.Over(client);
        var ended = broker.Accept(stream, new ConnectionOrigin { Listener = "pipe" });
        await peer.ConnectAsync("client");

        // Not MQTT: the broker closes.
        await peer.SendAsync([0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]);
        await client.DisposeAsync();

        await ended.WaitAsync(Limit, TestContext.Current.CancellationToken);
        Assert.Contains("cannot be closed", await log.NextAsync(), StringComparison.Ordinal);
        await using var other = TcpPeer.Over(broker.ConnectInProcess());
        await other.ConnectAsync("other");
        Assert.Equal(1, broker.Counters.Connections);
    }

    [Fact]
    public async Task A_stream_given_to_a_broker_that_stops_at_that_moment_is_closed()
    {
        for (var i = 0; i < 200; i++)
        {
            await using var broker = BrokerHost.Start(new BrokerOptions { Listeners = [] });
            var (_, stream) = Pipes(closes: true);
            using var together = new Barrier(2);
            var stopping = Task.Run(
                () =>
                {
                    together.SignalAndWait(TestContext.Current.CancellationToken);
                    return broker.StopAsync(TestContext.Current.CancellationToken);
                },
                TestContext.Current.CancellationToken);
            together.SignalAndWait(TestContext.Current.CancellationToken);
            Task? ended = null;
            try
            {
                ended = broker.Accept(stream, new ConnectionOrigin { Listener = "pipe" });
            }
            catch (InvalidOperationException)
            {
                // It had stopped before.
            }

            await stopping.WaitAsync(Limit, TestContext.Current.CancellationToken);
            await (ended ?? Task.CompletedTask).WaitAsync(Limit, TestContext.Current.CancellationToken);
        }
    }

    private static (Stream Client, Stream Broker) Pipes(bool closes = false)
    {
        var there = new Pipe();
        var back = new Pipe();
        return (new TwoPipes(back.Reader, there.Writer, closes: true), new TwoPipes(there.Reader, back.Writer, closes));
    }

    private sealed class ThrowingAuthenticator : IAuthenticator
    {
        private readonly TaskCompletionSource _begun = new(TaskCreationOptions.RunContinuationsAsynchronously);

        /// <summary>Completes when it has to do with somebody who is late.</summary>
        public Task HasBegun => _begun.Task;

        public async ValueTask<AuthenticationResult> AuthenticateAsync(ConnectingClient client, CancellationToken cancellationToken)
        {
            switch (client.UserName)
            {
                case "good":
                    return AuthenticationResult.Accept("good");
                case "late":
                    var over = new TaskCompletionSource();
                    cancellationToken.Register(() => throw new InvalidOperationException("It was told to give up."));
                    cancellationToken.Register(over.SetResult);
                    _begun.TrySetResult();
                    await over.Task;
                    throw new OperationCanceledException(cancellationToken);
                default:
                    throw new InvalidOperationException("It does not know.");
            }
        }
    }

    private sealed class ThrowingLog : ILoggerFactory, ILogger
    {
        public ILogger CreateLogger(string categoryName) => this;

        public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException();

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        void ILogger.Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            throw new IOException("The disk is full.");

        public void Dispose()
        {
        }
    }

    private sealed class TwoPipes(PipeReader reader, PipeWriter writer, bool closes) : Stream
    {
        private readonly Stream _input = reader.AsStream();
        private readonly Stream _output = writer.AsStream();

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            _input.ReadAsync(buffer, cancellationToken);

        public override int Read(byte[] buffer, int offset, int count) => _input.Read(buffer, offset, count);

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
            _output.WriteAsync(buffer, cancellationToken);

        public override void Write(byte[] buffer, int offset, int count) => _output.Write(buffer, offset, count);

        public override void Flush() => _output.Flush();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            base.Dispose(disposing);
            reader.CancelPendingRead();
            _input.Dispose();
            _output.Dispose();
            if (!closes)
            {
                throw new InvalidOperationException("This stream cannot be closed.");
            }
        }
    }
}
