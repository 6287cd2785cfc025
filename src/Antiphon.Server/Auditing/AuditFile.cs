using System.Globalization;

namespace Antiphon.Server.Auditing;

/// <summary>
/// The file of the audit log and those that were written before it, whose names end in <c>.1</c> and so on, the youngest first.
/// For one thread at a time. What has been written is with the system, and not yet on the disk.
/// </summary>
internal sealed class AuditFile(AuditOptions options) : IDisposable
{
    private FileStream? _stream;
    private long _length;

    /// <summary>Adds whole lines, to a new file if they do not fit into this one.</summary>
    /// <exception cref="IOException">They cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be written.</exception>
    public void Write(ReadOnlySpan<byte> lines)
    {
        Open();
        if (_length > 0 && _length + lines.Length > options.MaximumBytes)
        {
            Rotate();
            Open();
        }

        try
        {
            _stream!.Write(lines);
            _length += lines.Length;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // A part may be there. When it is opened again, its last line is ended.
            Close();
            throw;
        }
    }

    /// <summary>Opens it if it is not open.</summary>
    /// <exception cref="IOException">It cannot be opened.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be opened.</exception>
    public void Open()
    {
        if (_stream is not null)
        {
            return;
        }

        var mode = new FileStreamOptions
        {
            Mode = FileMode.OpenOrCreate,
            Access = FileAccess.ReadWrite,
            Share = FileShare.ReadWrite | FileShare.Delete,
            BufferSize = 0,
        };
        if (!OperatingSystem.IsWindows())
        {
            mode.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        var stream = new FileStream(options.File, mode);
        try
        {
            _length = stream.CanSeek ? stream.Length : 0;
            if (_length > 0)
            {
                stream.Seek(-1, SeekOrigin.End);
                if (stream.ReadByte() != '\n')
                {
                    stream.WriteByte((byte)'\n');
                    _length++;
                }
            }

            _stream = stream;
        }
        finally
        {
            if (_stream is null)
            {
                stream.Dispose();
            }
        }
    }

    /// <summary>Closes it; whatever is at its name then is opened at the next line.</summary>
    public void Close()
    {
        _stream?.Dispose();
        _stream = null;
    }

    public void Dispose() => Close();

    private void Rotate()
    {
        Close();
        if (options.Keep == 0)
        {
            File.Delete(options.File);
            return;
        }

        for (var i = options.Keep - 1; i >= 0; i--)
        {
            if (File.Exists(NameOf(i)))
            {
                File.Move(NameOf(i), NameOf(i + 1), overwrite: true);
            }
        }
    }

    private string NameOf(int age) => age == 0 ? options.File : string.Create(CultureInfo.InvariantCulture, $"{options.File}.{age}");
}
