namespace Antiphon.Cli.CommandLine;

/// <summary>How the program ends, for scripts.</summary>
internal enum ExitCode
{
    Success = 0,

    /// <summary>Something that none of the others says.</summary>
    Other = 1,

    /// <summary>The command line is wrong; nothing was done.</summary>
    Usage = 2,

    /// <summary>No connection to the broker, or it was lost.</summary>
    Connect = 3,

    /// <summary>The broker does not allow it.</summary>
    Denied = 4,

    /// <summary>Nobody listens on the request topic.</summary>
    NoResponder = 5,

    /// <summary>No response before the deadline.</summary>
    Timeout = 6,

    /// <summary>The responder answered with an error.</summary>
    RemoteError = 7,

    /// <summary>Fewer replies came than <c>--replies</c> asked for.</summary>
    FewerReplies = 8,

    /// <summary>Ctrl-C or SIGTERM before the work was done.</summary>
    Interrupted = 130,

    /// <summary>Nobody reads the standard output any more; what a shell says of a program that SIGPIPE has ended (128 + 13).</summary>
    ReaderGone = 141,
}
