using System.Security.Authentication;
using System.Text;

namespace Antiphon.Client.Tests.Authentication;

/// <summary>A method that can be read on the wire: begins with «b», answers «x» with «x!», and is content with «ok» alone.</summary>
internal sealed class SpelledExchange(string method = "m") : IAuthenticationExchange
{
    public string Method => method;

    /// <summary>Waited for before each answer.</summary>
    public Task MayAnswer { get; init; } = Task.CompletedTask;

    public ReadOnlyMemory<byte> First { get; init; } = "b"u8.ToArray();

    public ValueTask<ReadOnlyMemory<byte>?> BeginAsync(CancellationToken cancellationToken) => new(First);

    public async ValueTask<ReadOnlyMemory<byte>?> AnswerAsync(ReadOnlyMemory<byte> serverData, CancellationToken cancellationToken)
    {
        await MayAnswer.WaitAsync(cancellationToken);
        return (byte[])[.. serverData.Span, (byte)'!'];
    }

    public void Complete(ReadOnlyMemory<byte> serverData)
    {
        if (!serverData.Span.SequenceEqual("ok"u8))
        {
            throw new AuthenticationException($"«{Encoding.UTF8.GetString(serverData.Span)}» is not ok.");
        }
    }
}
