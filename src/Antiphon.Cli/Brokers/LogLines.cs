using System.Threading.Channels;
using Antiphon.Cli.Output;
using Antiphon.Server;
using Microsoft.Extensions.Logging;

namespace Antiphon.Cli.Brokers;

/// <summary>
/// The broker's log on the standard error, a line an entry, as text, as JSON, or as the journal of systemd reads it.
/// The lines are written by a task of their own, so that a reader that is slow, or does not read at all, never holds up the broker:
/// beyond some thousands that wait, further ones are left out, and how many is said.
/// </summary>
internal sealed class LogLines : ILoggerFactory, IAsyncDisposable
{
    private const int MaximumWaiting = 10_000;

    private readonly Terminal _terminal;
    private readonly TimeProvider _time;
    private readonly LogFormat _format;
    private readonly Channel<string> _lines = Channel.CreateBounded<string>(
        new BoundedChannelOptions(MaximumWaiting) { SingleReader = true, FullMode = BoundedChannelFullMode.Wait });
    private readonly Task _writing;
    private volatile LogLevel _lowest;
    private int _leftOut;

    public LogLines(Terminal terminal, TimeProvider time, LogOptions options)
    {
        _terminal = terminal;
        _time = time;
        _format = options.Format;
        _lowest = options.Level;
        _writing = Task.Run(WriteAsync);
    }

    /// <summary>The least level that is written; it can change at any time.</summary>
    public LogLevel Lowest
    {
        set => _lowest = value;
    }

    public ILogger CreateLogger(string categoryName) => new Category(this, categoryName);

    public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException("The log has one place to go to.");

    void IDisposable.Dispose() => _lines.Writer.TryComplete();

    /// <summary>Ends when all lines are written.</summary>
    public async ValueTask DisposeAsync()
    {
        _lines.Writer.TryComplete();
        await _writing;
    }

    private string Line(
        LogLevel level,
        string category,
        EventId eventId,
        string sentence,
        IReadOnlyList<KeyValuePair<string, object?>>? fields = null,
        Exception? exception = null) =>
        new LogEntry(_time.GetUtcNow(), level, category, eventId, sentence, fields ?? [], exception).Line(_format);

    private void Add(string line)
    {
        if (!_lines.Writer.TryWrite(line))
        {
            Interlocked.Increment(ref _leftOut);
        }
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
                    _terminal.Complain(Line(
                        LogLevel.Warning,
                        "Antiphon.Cli",
                        new EventId(3001),
                        $"{leftOut} lines were left out, since nobody reads them fast enough"));
                }
            }
            catch (IOException)
            {
                // Nobody reads the standard error any more, which is no reason for the broker to end.
            }
        }
    }

    private sealed class Category(LogLines lines, string name) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= lines._lowest && logLevel != LogLevel.None;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel))
            {
                // Only this format tells them apart from the sentence.
                var fields = lines._format == LogFormat.Json ? state as IReadOnlyList<KeyValuePair<string, object?>> : null;
                lines.Add(lines.Line(logLevel, name, eventId, formatter(state, exception), fields, exception));
            }
        }
    }
}
