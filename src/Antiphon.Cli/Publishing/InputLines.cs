namespace Antiphon.Cli.Publishing;

/// <summary>The lines of a stream as bytes, without their ends (LF or CR LF); the last needs none.</summary>
internal sealed class InputLines(Stream input)
{
    private byte[] _buffer = new byte[4096];
    private int _start;
    private int _filled;
    private bool _isOver;

    /// <summary>The next line; <c>null</c>: there is none.</summary>
    public async ValueTask<byte[]?> ReadAsync(CancellationToken cancellationToken)
    {
        var searched = 0;
        while (true)
        {
            var end = _buffer.AsSpan(_start + searched, _filled - _start - searched).IndexOf((byte)'\n');
            if (end >= 0)
            {
                return Take(searched + end, endLength: 1);
            }

            searched = _filled - _start;
            if (_isOver)
            {
                return searched == 0 ? null : Take(searched, endLength: 0);
            }

            await FillAsync(cancellationToken);
        }
    }

    private byte[] Take(int length, int endLength)
    {
        var line = _buffer.AsSpan(_start, length);
        _start += length + endLength;
        return (line is [.., (byte)'\r'] ? line[..^1] : line).ToArray();
    }

    private async ValueTask FillAsync(CancellationToken cancellationToken)
    {
        var rest = _filled - _start;
        var target = rest > _buffer.Length / 2 ? new byte[_buffer.Length * 2] : _buffer;
        Buffer.BlockCopy(_buffer, _start, target, 0, rest);
        (_buffer, _start, _filled) = (target, 0, rest);

        // A read from a terminal cannot be cancelled; the wait for it can.
        var count = await input.ReadAsync(_buffer.AsMemory(_filled), cancellationToken).AsTask().WaitAsync(cancellationToken);
        _filled += count;
        _isOver = count == 0;
    }
}
