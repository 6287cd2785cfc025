using System.Buffers;
using System.Diagnostics.Metrics;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Threading.Channels;
using Antiphon.Broker;
using Antiphon.Broker.Exchanges;
using Microsoft.Extensions.Logging;

namespace Antiphon.Server.Auditing;

/// <summary>
/// Writes who asked what of whom, and what came of it. The broker's thread only copies what a line needs;
/// a task of its own writes the lines to the file. The broker never waits for it: where lines come faster than they can be written,
/// or cannot be written at all, they are lost, which is counted and said, in the log and, once that is possible again, in the file.
/// </summary>
internal sealed partial class AuditLog : IExchangeObserver, IAsyncDisposable
{
    internal const int MaximumWaiting = 16_384;

    private const long MaximumWaitingBytes = 16 * 1024 * 1024;
    private const int BatchBytes = 64 * 1024;

    /// <summary>A file that cannot be written is tried again so often.</summary>
    internal static readonly TimeSpan RetryPause = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan LinePause = TimeSpan.FromMinutes(1);

    private readonly AuditFile _file;
    private readonly AuditOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Channel<AuditLine> _lines = Channel.CreateBounded<AuditLine>(
        new BoundedChannelOptions(MaximumWaiting) { SingleReader = true, FullMode = BoundedChannelFullMode.Wait });

    private readonly ArrayBufferWriter<byte> _batch = new();
    private readonly Utf8JsonWriter _json;
    private readonly Task _writing;

    // Swapped by a reload.
    private volatile AuditScope _scope;
    private volatile bool _isToReopen;

    // Of any thread.
    private long _waitingBytes;
    private long _lost;
    private long _written;

    // Of the task that writes.
    private long _lostTold;
    private long _failedAt;
    private long _lostLineAt;

    private AuditLog(AuditOptions options, AuditFile file, TimeProvider time, ILogger logger)
    {
        _options = options;
        _file = file;
        _time = time;
        _logger = logger;
        _scope = new AuditScope(options);

        // As other logs are: it goes to a file or a program, never into HTML.
        _json = new Utf8JsonWriter(_batch, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
        Meter = new Meter("Antiphon.Server");
        Meter.CreateObservableCounter(
            "antiphon.audit.lines", () => Volatile.Read(ref _written), "{line}", "Lines of the audit log that were written.");
        Meter.CreateObservableCounter(
            "antiphon.audit.lost", () => Volatile.Read(ref _lost), "{line}", "Lines of the audit log that were lost.");
        _writing = Task.Run(WriteAsync);
    }

    /// <summary>How many lines it has written and lost.</summary>
    public Meter Meter { get; }

    /// <summary>Lines that were lost.</summary>
    public long Lost => Volatile.Read(ref _lost);

    /// <summary>Opens the file and begins.</summary>
    /// <exception cref="BrokerStartException">The file cannot be written.</exception>
    public static AuditLog Start(AuditOptions options, TimeProvider time, ILogger logger)
    {
        var file = new AuditFile(options);
        try
        {
            file.Open();
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new BrokerStartException($"The audit log «{options.File}» cannot be written: {failure.Message}", failure);
        }

        return new AuditLog(options, file, time, logger);
    }

    /// <summary>Logs these topics from now on, and opens the file anew, which somebody may have moved away.</summary>
    public void Renew(AuditOptions options)
    {
        _scope = new AuditScope(options);
        _isToReopen = true;
    }

    public IObservedRequest? Requested(in ObservedMessage request)
    {
        var scope = _scope;
        return scope.Includes(request.Topic) ? new AuditedRequest(request, scope.WithPayloads) : null;
    }

    public void Ended(IObservedRequest request, in ExchangeOutcome outcome)
    {
        var line = new AuditLine(_time.GetUtcNow(), (AuditedRequest)request, outcome, _scope.WithPayloads);
        if (Volatile.Read(ref _waitingBytes) + line.Size > MaximumWaitingBytes || !_lines.Writer.TryWrite(line))
        {
            Interlocked.Increment(ref _lost);
        }
        else
        {
            Interlocked.Add(ref _waitingBytes, line.Size);
        }
    }

    /// <summary>Ends when all lines are written, or have been tried to.</summary>
    public async ValueTask DisposeAsync()
    {
        _lines.Writer.TryComplete();
        await _writing;
        _file.Dispose();
        _json.Dispose();
        Meter.Dispose();
    }

    private async Task WriteAsync()
    {
        while (await _lines.Reader.WaitToReadAsync())
        {
            var count = 0;
            while (_batch.WrittenCount < BatchBytes && _lines.Reader.TryRead(out var line))
            {
                Interlocked.Add(ref _waitingBytes, -line.Size);
                line.WriteTo(_json);
                EndLine();
                count++;
            }

            WriteBatch(count);
        }
    }

    private void WriteBatch(int lines)
    {
        if (_failedAt != 0 && _time.GetElapsedTime(_failedAt) < RetryPause)
        {
            Interlocked.Add(ref _lost, lines);
            _batch.ResetWrittenCount();
            return;
        }

        if (_isToReopen)
        {
            _isToReopen = false;
            _file.Close();
        }

        var lost = Lost;
        if (lost > _lostTold)
        {
            AuditLine.WriteLost(_json, _time.GetUtcNow(), lost - _lostTold);
            EndLine();
        }

        try
        {
            _file.Write(_batch.WrittenSpan);
            Interlocked.Add(ref _written, lines);
            NoteWritten(lost);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            if (_failedAt == 0)
            {
                LogFailed(_logger, _options.File, failure.Message);
            }

            _failedAt = Math.Max(1, _time.GetTimestamp());
            Interlocked.Add(ref _lost, lines);
        }

        _batch.ResetWrittenCount();
    }

    private void NoteWritten(long lost)
    {
        if (_failedAt != 0)
        {
            _failedAt = 0;
            LogRecovered(_logger, _options.File, lost - _lostTold);
        }
        else if (lost > _lostTold && (_lostLineAt == 0 || _time.GetElapsedTime(_lostLineAt) >= LinePause))
        {
            _lostLineAt = Math.Max(1, _time.GetTimestamp());
            LogLost(_logger, _options.File, lost);
        }

        _lostTold = lost;
    }

    private void EndLine()
    {
        _json.Flush();
        _json.Reset();
        _batch.GetSpan(1)[0] = (byte)'\n';
        _batch.Advance(1);
    }

    [LoggerMessage(
        EventId = 2030,
        Level = LogLevel.Error,
        Message = "The audit log {File} cannot be written: {Error}; lines are lost until it can")]
    private static partial void LogFailed(ILogger logger, string file, string error);

    [LoggerMessage(
        EventId = 2031, Level = LogLevel.Warning, Message = "The audit log {File} is written again; {Lines} lines were lost")]
    private static partial void LogRecovered(ILogger logger, string file, long lines);

    [LoggerMessage(
        EventId = 2032,
        Level = LogLevel.Warning,
        Message = "Lines of the audit log {File} come faster than they can be written; {Lines} were lost so far")]
    private static partial void LogLost(ILogger logger, string file, long lines);
}
