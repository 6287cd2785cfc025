using System.Text;
using System.Text.Json.Serialization.Metadata;
using Microsoft.Win32.SafeHandles;

namespace Antiphon.Cli.Output;

/// <summary>
/// Where a command writes: data to the standard output, everything that is said about it to the standard error.
/// Safe from any thread; what one call writes stays together.
/// </summary>
internal sealed class Terminal : IDisposable
{
    private readonly Lock _lock = new();
    private readonly Stream _data = OpenData();
    private readonly CancellationTokenSource _readerGone = new();
    private readonly TextWriter _notes = Console.Error;

    /// <summary>
    /// Fires when nobody reads the standard output any more, as behind <c>| head -1</c>; what is written then goes nowhere.
    /// </summary>
    public CancellationToken ReaderGone => _readerGone.Token;

    /// <summary>Colour only where a person looks, and never against their wish (no-color.org).</summary>
    public bool HasColour { get; } = !Console.IsOutputRedirected && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR"));

    /// <summary>Progress only where a person looks.</summary>
    public bool HasProgress { get; } = !Console.IsErrorRedirected;

    /// <summary>Writes bytes as they are, and ends the line.</summary>
    public void Data(ReadOnlySpan<byte> bytes)
    {
        // One write a line, so that whoever reads the other end never sees half of one.
        var line = new byte[bytes.Length + 1];
        bytes.CopyTo(line);
        line[^1] = (byte)'\n';
        Raw(line);
    }

    /// <summary>Writes bytes as they are and nothing behind them.</summary>
    public void Raw(ReadOnlySpan<byte> bytes)
    {
        try
        {
            lock (_lock)
            {
                _data.Write(bytes);
                _data.Flush();
            }
        }
        catch (IOException) when (_data is FileStream)
        {
            _readerGone.Cancel();
        }
    }

    public void Data(string text) => Data(Encoding.UTF8.GetBytes(text));

    /// <summary>Writes one line of JSON.</summary>
    public void Json<T>(T value, JsonTypeInfo<T> type) => Data(System.Text.Json.JsonSerializer.SerializeToUtf8Bytes(value, type));

    /// <summary>Says something to the person at the terminal.</summary>
    public void Note(string sentence)
    {
        lock (_lock)
        {
            _notes.WriteLine(sentence);
            _notes.Flush();
        }
    }

    /// <summary>Replaces the last progress at the terminal; empty: takes it away.</summary>
    public void Progress(string text)
    {
        lock (_lock)
        {
            _notes.Write($"\r{text,-60}\r");
            _notes.Flush();
        }
    }

    public void Dispose()
    {
        _data.Dispose();
        _readerGone.Dispose();
    }

    // The console's stream keeps a broken pipe to itself. A file is left to it: its position is shared with whoever else writes there.
    private static Stream OpenData()
    {
        if (!OperatingSystem.IsWindows() && Console.IsOutputRedirected)
        {
            var pipe = new FileStream(new SafeFileHandle(1, ownsHandle: false), FileAccess.Write, bufferSize: 0);
            if (!pipe.CanSeek)
            {
                return pipe;
            }
        }

        return Console.OpenStandardOutput();
    }
}
