using System.Runtime.InteropServices;

namespace Antiphon.Bench.Load;

/// <summary>The calls of Linux's C library that the bench needs beyond those of the broker.</summary>
internal static unsafe partial class LoadNative
{
    public const int AF_INET = 2;
    public const int SOCK_STREAM = 1;
    public const int SOCK_CLOEXEC = 0x80000;
    public const int SOL_SOCKET = 1;
    public const int SO_LINGER = 13;
    public const int RLIMIT_NOFILE = 7;
    public const int SIGTERM = 15;

    /// <summary>The CPU time of the calling thread.</summary>
    public const int CLOCK_THREAD_CPUTIME_ID = 3;

    [LibraryImport("libc", EntryPoint = "socket", SetLastError = true)]
    public static partial int Socket(int family, int type, int protocol);

    [LibraryImport("libc", EntryPoint = "connect", SetLastError = true)]
    public static partial int Connect(int fd, byte* address, uint length);

    [LibraryImport("libc", EntryPoint = "clock_gettime", SetLastError = true)]
    public static partial int ClockGetTime(int clock, Timespec* time);

    [LibraryImport("libc", EntryPoint = "sched_setaffinity", SetLastError = true)]
    public static partial int SetAffinity(int thread, nuint size, ulong* mask);

    [LibraryImport("libc", EntryPoint = "getrlimit", SetLastError = true)]
    public static partial int GetLimit(int resource, ulong* softAndHard);

    [LibraryImport("libc", EntryPoint = "setrlimit", SetLastError = true)]
    public static partial int SetLimit(int resource, ulong* softAndHard);

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    public static partial int Kill(int process, int signal);

    /// <summary>
    /// The clock of a process's CPU time: of all its threads, also of those that have ended (<c>clock_getcpuclockid</c>).
    /// </summary>
    public static int ProcessCpuClock(int process) => (~process << 3) | 2;

    /// <summary>What a CPU clock shows, in nanoseconds.</summary>
    /// <exception cref="BenchException">There is no such clock, which is to say no such process.</exception>
    public static long Read(int clock)
    {
        Timespec time;
        return ClockGetTime(clock, &time) == 0
            ? time.Seconds * 1_000_000_000 + time.Nanoseconds
            : throw new BenchException("The process has ended.");
    }

    public struct Timespec
    {
        public long Seconds;
        public long Nanoseconds;
    }
}
