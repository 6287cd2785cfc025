namespace Antiphon.Rpc;

/// <summary>
/// Thrown by a handler to answer with an error, where returning a <see cref="Reply"/> is not possible. It is no failure of the handler:
/// nothing is logged.
/// </summary>
#pragma warning disable CA1032 // Without a status it would say nothing.
public sealed class ReplyException : Exception
#pragma warning restore CA1032
{
    /// <summary>An error of the application.</summary>
    /// <param name="status">An HTTP status code, 400 to 599.</param>
    /// <param name="message">
    /// A sentence for the requester; it is sent whatever <see cref="ResponderOptions.ExposeExceptions"/> says.
    /// </param>
    /// <exception cref="ArgumentOutOfRangeException">The status is none.</exception>
    public ReplyException(int status, string message)
        : base(message)
    {
        Reply = Reply.Error(status, message);
    }

    internal Reply Reply { get; }
}
