using System.Runtime.InteropServices;

namespace Antiphon.Cli.Output;

/// <summary>
/// One of the three standard streams of a Unix process, by its number. .NET's own streams keep a broken pipe to themselves,
/// and do not know a stream that was closed before the program started.
/// </summary>
/// <param name="number">0, 1 or 2.</param>
internal sealed partial class Descriptor(int number)
{
    private const int Interrupted = 4;
    private const int BrokenPipe = 32;
    private const int BadDescriptor = 9;
    private const short PollOut = 4;
    private const short PollError = 8 | 16 | 32;
    private const int GetFlags = 1;
    private const int CloseOnExec = 1;

    private static readonly int WouldBlock = OperatingSystem.IsLinux() ? 11 : 35;

    // Whoever started the program has closed it; by now the number may belong to a pipe or socket of the runtime, not to be written to.
    // What is inherited never has the flag «close on exec», and what the runtime opens always has it.
    private readonly bool _isMissing = GetDescriptorFlags(number, GetFlags) is < 0 or CloseOnExec;

    /// <summary>Writes all bytes, and waits where the other end is slow.</summary>
    /// <returns>Why not all could be written; <c>null</c>: they were.</returns>
    public OutputLostException? Write(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            var written = _isMissing ? -1 : WriteSome(number, bytes, (nuint)bytes.Length);
            if (written >= 0)
            {
                bytes = bytes[(int)written..];
                continue;
            }

            var error = _isMissing ? BadDescriptor : Marshal.GetLastPInvokeError();
            if (error == WouldBlock)
            {
                // Somebody who shares the other end has made it non-blocking.
                Wait(PollOut);
            }
            else if (error != Interrupted)
            {
                return new OutputLostException(
                    error == BrokenPipe, error == BadDescriptor ? "it is closed" : Marshal.GetPInvokeErrorMessage(error));
            }
        }

        return null;
    }

    /// <summary>Blocks until the other end of a pipe has gone; returns at once where it is none.</summary>
    /// <returns>Whether it has gone.</returns>
    public bool WaitForReaderToGo() => !_isMissing && (Wait(events: 0) & PollError) != 0;

    private short Wait(short events)
    {
        while (true)
        {
            var asked = new Asked { Number = number, Events = events };
            if (Poll(ref asked, 1, Timeout.Infinite) >= 0)
            {
                return asked.Returned;
            }

            if (Marshal.GetLastPInvokeError() != Interrupted)
            {
                return 0;
            }
        }
    }

    [LibraryImport("libc", EntryPoint = "write", SetLastError = true)]
    private static partial nint WriteSome(int descriptor, ReadOnlySpan<byte> bytes, nuint count);

    [LibraryImport("libc", EntryPoint = "poll", SetLastError = true)]
    private static partial int Poll(ref Asked asked, nuint count, int milliseconds);

    [LibraryImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    private static partial int GetDescriptorFlags(int descriptor, int command);

    [StructLayout(LayoutKind.Sequential)]
    private struct Asked
    {
        public int Number;
        public short Events;
        public short Returned;
    }
}
