using System.Text;
using Antiphon.Client.Stores;
using Antiphon.Protocol;
using Microsoft.Win32.SafeHandles;

namespace Antiphon.Client;

/// <summary>
/// A store in one file that records are appended to, rewritten when most of them are over.
/// What has been written survives the end of the program at any moment; with <c>flushToDisk</c> it survives that of the machine.
/// The file is locked: one process at a time can have it open. When it is rewritten, the new file has the mode and owner of the old one,
/// and takes its place in one step; symbolic links stay. Thread-safe.
/// </summary>
public sealed class FileSessionStore : ISessionStore, IDisposable
{
    /// <summary>Below this size a file is not rewritten.</summary>
    private const int SmallFile = 256 * 1024;

    private const int LargestBufferKept = 256 * 1024;

    private readonly Lock _lock = new();
    private readonly string _path;
    private readonly bool _flushToDisk;

    // Guarded by the lock: the file, and where in it what is not over stands.
    private readonly LiveRecords _records;
    private SafeFileHandle _file;
    private long _rewriteAt = SmallFile;
    private byte[] _buffer = new byte[512];

    /// <summary>Opens the file, or makes it. It is read with <see cref="Load"/>.</summary>
    /// <param name="path">
    /// The file, or a symbolic link to it; its directory has to be there. A file that is made can be read by its owner alone.
    /// Beside it, <c>.new</c> is appended to the name while the file is rewritten.
    /// </param>
    /// <param name="flushToDisk">
    /// Whether each record waits until the disk has it, so that a crash of the whole machine loses nothing either;
    /// costs a disk access per message.
    /// </param>
    /// <exception cref="IOException">The file cannot be opened; another process may have it.</exception>
    /// <exception cref="UnauthorizedAccessException">The program may not write there.</exception>
    public FileSessionStore(string path, bool flushToDisk = false)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        _path = StoreFile.Resolve(path);
        _flushToDisk = flushToDisk;
        _records = new LiveRecords(_path);
        _file = StoreFile.Open(_path);
    }

    /// <inheritdoc/>
    public StoredSession? Load()
    {
        lock (_lock)
        {
            var bytes = new byte[RandomAccess.GetLength(_file)];
            for (var read = 0; read < bytes.Length;)
            {
                read += RandomAccess.Read(_file, bytes.AsSpan(read), read);
            }

            _records.Clear();
            while (StoreRecord.TryRead(bytes.AsSpan((int)_records.Length), out var kind, out var identifier, out _) is > 0 and var size)
            {
                _records.Append(kind, identifier, size);
            }

            if (_records.Length == 0 && !StoreRecord.MayBegin(bytes))
            {
                throw new InvalidDataException(
                    $"«{_path}» is no session store; it has been left as it is. Give the store a file of its own.");
            }

            RandomAccess.SetLength(_file, _records.Length);
            return _records.Session.Size == 0 ? null : Read(bytes);
        }
    }

    /// <inheritdoc/>
    public void Begin(string clientId, ProtocolVersion version)
    {
        ArgumentNullException.ThrowIfNull(clientId);
        lock (_lock)
        {
            Empty();
            Append(RecordKind.Session, PacketIdentifier.None, [(byte)version, .. Encoding.UTF8.GetBytes(clientId)], flush: true);
        }
    }

    /// <inheritdoc/>
    public void Clear()
    {
        lock (_lock)
        {
            Empty();
        }
    }

    /// <inheritdoc/>
    public void AddPublish(PacketIdentifier identifier, ReadOnlySpan<byte> packet)
    {
        lock (_lock)
        {
            Append(RecordKind.Publish, identifier, packet, flush: true);
        }
    }

    /// <inheritdoc/>
    public void ReleasePublish(PacketIdentifier identifier)
    {
        lock (_lock)
        {
            Append(RecordKind.Release, identifier, [], flush: true);
        }
    }

    /// <inheritdoc/>
    public void RemovePublish(PacketIdentifier identifier)
    {
        lock (_lock)
        {
            Append(RecordKind.RemovePublish, identifier, [], flush: false);
            Compact();
        }
    }

    /// <inheritdoc/>
    public void AddReceived(PacketIdentifier identifier)
    {
        lock (_lock)
        {
            Append(RecordKind.Received, identifier, [], flush: true);
        }
    }

    /// <inheritdoc/>
    public void RemoveReceived(PacketIdentifier identifier)
    {
        lock (_lock)
        {
            // Flushed, since the next message with that identifier is a new one.
            Append(RecordKind.RemoveReceived, identifier, [], flush: true);
            Compact();
        }
    }

    /// <summary>Closes the file; there is nothing left to write. What is asked of the store afterwards fails.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            _file.Dispose();
        }
    }

    private StoredSession Read(byte[] bytes)
    {
        var session = Content(bytes, _records.Session, out _);
        var publishes = new List<StoredPublish>();
        var released = new List<PacketIdentifier>();
        foreach (var (identifier, place) in _records.Publishes)
        {
            var packet = Content(bytes, place, out var kind);
            if (kind == RecordKind.Publish)
            {
                publishes.Add(new StoredPublish(identifier, packet));
            }
            else
            {
                released.Add(identifier);
            }
        }

        return new StoredSession
        {
            ProtocolVersion = (ProtocolVersion)session.Span[0],
            ClientId = Encoding.UTF8.GetString(session.Span[1..]),
            Publishes = publishes,
            Released = released,
            Received = _records.Received,
        };
    }

    private static ReadOnlyMemory<byte> Content(byte[] bytes, in Place place, out RecordKind kind)
    {
        StoreRecord.TryRead(bytes.AsSpan((int)place.Offset, place.Size), out kind, out _, out var content);
        return bytes.AsMemory((int)place.Offset + place.Size - content.Length, content.Length);
    }

    private void Append(RecordKind kind, PacketIdentifier identifier, scoped ReadOnlySpan<byte> content, bool flush)
    {
        var size = StoreRecord.SizeOf(content.Length);
        if (size > _buffer.Length)
        {
            _buffer = new byte[size];
        }

        var record = _buffer.AsSpan(0, size);
        StoreRecord.Write(record, kind, identifier, content);
        try
        {
            RandomAccess.Write(_file, record, _records.Length);
            if (flush && _flushToDisk)
            {
                RandomAccess.FlushToDisk(_file);
            }
        }
        catch
        {
            // The caller takes it for not stored, and so has who reads the file later.
            RandomAccess.SetLength(_file, _records.Length);
            throw;
        }

        _records.Append(kind, identifier, size);
        if (_buffer.Length > LargestBufferKept)
        {
            _buffer = new byte[512];
        }
    }

    private void Empty()
    {
        RandomAccess.SetLength(_file, 0);
        _records.Clear();
    }

    /// <summary>Writes what is not over to a new file, which then takes the place of this one in one step.</summary>
    private void Compact()
    {
        if (_records.Length < _rewriteAt || _records.Length < 4 * _records.Live)
        {
            return;
        }

        // If it fails, the file may double before it is tried again: each try costs as much as the file is long.
        _rewriteAt = 2 * _records.Length;

        var path = _path + ".new";
        var file = StoreFile.Create(path, _file);
        var moved = false;
        try
        {
            var length = 0L;
            foreach (var place in _records.InOrder)
            {
                var record = new byte[place.Size];
                for (var read = 0; read < record.Length;)
                {
                    read += RandomAccess.Read(_file, record.AsSpan(read), place.Offset + read);
                }

                RandomAccess.Write(file, record, length);
                length += record.Length;
            }

            RandomAccess.FlushToDisk(file);
            File.Move(path, _path, overwrite: true);
            moved = true;
        }
        finally
        {
            if (!moved)
            {
                file.Dispose();
                File.Delete(path);
            }
        }

        _file.Dispose();
        _file = file;
        _rewriteAt = SmallFile;
        _records.MoveTogether();
        StoreFile.FlushName(_path);
    }
}
