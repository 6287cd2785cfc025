using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Json.Serialization.Metadata;

namespace Antiphon.Cli.Output;

/// <summary>
/// Where a command writes: data to the standard output, everything that is said about it to the standard error.
/// Data that cannot be written ends the command. A standard error that is gone ends nothing.
/// Safe from any thread; what one call writes stays together.
/// </summary>
[SuppressMessage(
    "Design", "CA1001", Justification = "It lives as long as the program; a thread may tell it at any time that the reader has gone.")]
internal sealed class Terminal
{
    private const int ProgressWidth = 78;

    private readonly Lock _lock = new();
    private readonly Func<byte[], OutputLostException?> _data;
    private readonly Action<byte[]> _notes;
    private readonly Descriptor? _output;
    private readonly CancellationTokenSource _lost = new();

    // Guarded by _lock.
    private bool _showsProgress;
    private OutputLostException? _failure;

    public Terminal()
    {
        if (OperatingSystem.IsWindows())
        {
            var output = Console.OpenStandardOutput();
            var errors = Console.OpenStandardError();
            _data = bytes => Try(output, bytes);
            _notes = bytes => Try(errors, bytes);
        }
        else
        {
            var errors = new Descriptor(2);
            _output = new Descriptor(1);
            _data = bytes => _output.Write(bytes);
            _notes = bytes => errors.Write(bytes);
        }
    }

    /// <summary>Fires when data could not be written, or when <see cref="WatchReader"/> found that nobody reads it any more.</summary>
    public CancellationToken OutputLost => _lost.Token;

    /// <summary>Why data could not be written; <c>null</c>: it could.</summary>
    public OutputLostException? Failure
    {
        get
        {
            lock (_lock)
            {
                return _failure;
            }
        }
    }

    /// <summary>Whether only errors are said, as <c>--quiet</c> asks for.</summary>
    public bool IsQuiet { get; set; }

    /// <summary>Colour only where a person looks, and never against their wish (no-color.org).</summary>
    public bool HasColour { get; } = !Console.IsOutputRedirected && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR"));

    /// <summary>Progress only where a person looks.</summary>
    public bool HasProgress => !IsQuiet && !Console.IsErrorRedirected;

    /// <summary>Whether a person looks at the progress, and not at the data meanwhile.</summary>
    public bool HasProgressBesideData => HasProgress && Console.IsOutputRedirected;

    /// <summary>Writes bytes as they are, and ends the line.</summary>
    /// <exception cref="OutputLostException">They cannot be written.</exception>
    public void Data(ReadOnlySpan<byte> bytes)
    {
        // One write a line, so that whoever reads the other end never sees half of one.
        var line = new byte[bytes.Length + 1];
        bytes.CopyTo(line);
        line[^1] = (byte)'\n';
        Write(line);
    }

    /// <summary>Writes bytes as they are and nothing behind them.</summary>
    /// <exception cref="OutputLostException">They cannot be written.</exception>
    public void Raw(ReadOnlySpan<byte> bytes) => Write(bytes.ToArray());

    /// <summary>Writes a line.</summary>
    /// <exception cref="OutputLostException">It cannot be written.</exception>
    public void Data(string text) => Data(Encoding.UTF8.GetBytes(text));

    /// <summary>Writes one line of JSON.</summary>
    /// <exception cref="OutputLostException">It cannot be written.</exception>
    public void Json<T>(T value, JsonTypeInfo<T> type) => Data(System.Text.Json.JsonSerializer.SerializeToUtf8Bytes(value, type));

    /// <summary>Says something to the person at the terminal, unless they want to hear of errors only.</summary>
    public void Note(string sentence)
    {
        if (!IsQuiet)
        {
            Complain(sentence);
        }
    }

    /// <summary>Asks the person at the terminal, and leaves the line open.</summary>
    public void Prompt(string text)
    {
        lock (_lock)
        {
            _notes(Encoding.UTF8.GetBytes(text));
        }
    }

    /// <summary>Says what went wrong. Control characters, which may come from a peer, do not reach the terminal.</summary>
    public void Complain(string sentence)
    {
        lock (_lock)
        {
            HideProgress();
            _notes(Encoding.UTF8.GetBytes($"{Printable(sentence)}\n"));
        }
    }

    /// <summary>Replaces the last progress at the terminal; empty: takes it away.</summary>
    public void Progress(string text)
    {
        lock (_lock)
        {
            HideProgress();
            if (text.Length > 0)
            {
                _notes(Encoding.UTF8.GetBytes(text.Length > ProgressWidth ? text[..ProgressWidth] : text));
                _showsProgress = true;
            }
        }
    }

    /// <summary>
    /// Has <see cref="OutputLost"/> fire as soon as nobody reads the standard output any more, also while there is nothing to write.
    /// For commands that do nothing but print.
    /// </summary>
    public void WatchReader()
    {
        if (_output is not null && Console.IsOutputRedirected)
        {
            new Thread(() =>
            {
                if (_output.WaitForReaderToGo())
                {
                    Lose(new OutputLostException(readerIsGone: true, "nobody reads it"));
                }
            })
            { IsBackground = true }.Start();
        }
    }

    private static string Printable(string sentence) => string.Create(
        sentence.Length,
        sentence,
        static (target, source) =>
        {
            for (var i = 0; i < source.Length; i++)
            {
                target[i] = char.IsControl(source[i]) && source[i] is not ('\n' or '\t') ? '\uFFFD' : source[i];
            }
        });

    private static OutputLostException? Try(Stream stream, byte[] bytes)
    {
        try
        {
            stream.Write(bytes);
            stream.Flush();
            return null;
        }
        catch (IOException failure)
        {
            return new OutputLostException(readerIsGone: false, failure.Message.TrimEnd('.'));
        }
    }

    private void Write(byte[] bytes)
    {
        OutputLostException? failure;
        lock (_lock)
        {
            failure = _failure ?? _data(bytes);
        }

        if (failure is not null)
        {
            Lose(failure);
            throw failure;
        }
    }

    private void Lose(OutputLostException failure)
    {
        lock (_lock)
        {
            if (_failure is not null)
            {
                return;
            }

            _failure = failure;
        }

        // What waits for it ends on other threads: this one may be that of a handler.
        _ = _lost.CancelAsync();
    }

    // Within the lock.
    private void HideProgress()
    {
        if (_showsProgress)
        {
            _showsProgress = false;
            _notes(Encoding.UTF8.GetBytes($"\r{new string(' ', ProgressWidth)}\r"));
        }
    }
}
