namespace Antiphon.Rpc.Responding;

/// <summary>What is logged aloud once a registration.</summary>
[Flags]
internal enum Complaint
{
    /// <summary>Nothing yet.</summary>
    None = 0,

    /// <summary>Its handler threw.</summary>
    HandlerFailed = 1,

    /// <summary>Another callback of the application threw.</summary>
    CallbackFailed = 2,

    /// <summary>The server refused a response.</summary>
    AnswerRefused = 4,
}
