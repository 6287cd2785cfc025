using System.Globalization;
using System.Threading.Channels;
using Antiphon.Cli.Output;
using Microsoft.Extensions.Logging;

namespace Antiphon.Cli.Brokers;

/// <summary>
/// The broker's log on the standard error, a line an entry: time in UTC, level, sentence.
/// The lines are written by a task of their own, so that a reader that is slow, or does not read at all, never holds up the broker:
/// beyond some thousands that wait, further ones are left out, and how many is said.
/// </summary>
internal sealed class LogLines : ILoggerFactory, ILogger, IAsyncDisposable
{
    private const int MaximumWaiting = 10_000;

    private readonly Terminal _terminal;
    private readonly TimeProvider _time;
    private readonly Channel<string> _lines = Channel.CreateBounded<string>(
        new BoundedChannelOptions(MaximumWaiting) { SingleReader = true, FullMode = BoundedChannelFullMode.Wait });
    private readonly Task _writing;
    private volatile LogLevel _lowest;
    private int _leftOut;

    public LogLines(Terminal terminal, TimeProvider time, LogLevel lowest)
    {
        _terminal = terminal;
        _time = time;
        _lowest = lowest;
        _writing = Task.Run(WriteAsync);
    }

    /// <summary>The least level that is written; it can change at any time.</summary>
    public LogLevel Lowest
    {
        set => _lowest = value;
    }

    public ILogger CreateLogger(string categoryName) => this;

    public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException("The log has one place to go to.");

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= _lowest && logLevel != LogLevel.None;

    void ILogger.Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (IsEnabled(logLevel) && !_lines.Writer.TryWrite(Line(logLevel, formatter(state, exception), exception)))
        {
            Interlocked.Increment(ref _leftOut);
        }
    }

    void IDisposable.Dispose() => _lines.Writer.TryComplete();

    /// <summary>Ends when all lines are written.</summary>
    public async ValueTask DisposeAsync()
    {
        _lines.Writer.TryComplete();
        await _writing;
    }

    private static string Name(LogLevel level) => level switch
    {
        LogLevel.Critical or LogLevel.Error => "error",
        LogLevel.Warning => "warn ",
        LogLevel.Information => "info ",
        _ => "debug",
    };

    private string Line(LogLevel level, string sentence, Exception? exception)
    {
        var time = _time.GetUtcNow().ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);
        var more = exception is null ? "" : $": {exception}";

        // Nothing that a peer has sent may begin a line of its own, or steer a terminal.
        return string.Concat($"{time} {Name(level)} {sentence}{more}".ReplaceLineEndings(" | ").Select(c => char.IsControl(c) ? '\uFFFD' : c));
    }

    private async Task WriteAsync()
    {
        await foreach (var line in _lines.Reader.ReadAllAsync())
        {
            try
            {
                _terminal.Complain(line);
                if (Interlocked.Exchange(ref _leftOut, 0) is > 0 and var leftOut)
                {
                    _terminal.Complain(Line(LogLevel.Warning, $"{leftOut} lines were left out, since nobody reads them fast enough", null));
                }
            }
            catch (IOException)
            {
                // Nobody reads the standard error any more, which is no reason for the broker to end.
            }
        }
    }
}
