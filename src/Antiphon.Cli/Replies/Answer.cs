using System.ComponentModel;
using System.Diagnostics;
using Antiphon.Protocol.Properties;
using Antiphon.Rpc;

namespace Antiphon.Cli.Replies;

/// <summary>Where the answer to a request comes from. Called for several requests at the same time.</summary>
internal interface IAnswer
{
    Task<Reply> ToAsync(Request request);
}

/// <summary>The same text always, or the request's own payload.</summary>
internal sealed class FixedAnswer(string? text) : IAnswer
{
    public Task<Reply> ToAsync(Request request) => Task.FromResult<Reply>(text is null ? request.Payload : text);
}

/// <summary>Another answer, and what the command line says about it; errors have the User Properties only.</summary>
internal sealed class AnswerWithProperties(IAnswer answer, string? contentType, IReadOnlyList<UserProperty> userProperties) : IAnswer
{
    public async Task<Reply> ToAsync(Request request)
    {
        var reply = await answer.ToAsync(request);
        return reply with { ContentType = reply.Status is >= 200 and <= 299 ? contentType : null, UserProperties = userProperties };
    }
}

/// <summary>What a shell command prints.</summary>
internal sealed class CommandAnswer(string command) : IAnswer
{
    private const int InternalServerError = 500;

    public async Task<Reply> ToAsync(Request request)
    {
        var start = OperatingSystem.IsWindows()
            ? new ProcessStartInfo("cmd.exe", ["/c", command])
            : new ProcessStartInfo("/bin/sh", ["-c", command]);
        start.RedirectStandardInput = true;
        start.RedirectStandardOutput = true;
        start.Environment["ANTIPHON_TOPIC"] = request.Topic;
        start.Environment.Remove("ANTIPHON_PASSWORD");
        using var process = Process.Start(start) ?? throw new InvalidOperationException("The shell did not start.");
        try
        {
            // Both directions at once: a command that prints before it has read everything must not block.
            var feeding = FeedAsync(process, request);
            var output = new MemoryStream();
            await process.StandardOutput.BaseStream.CopyToAsync(output, request.CancellationToken);
            await feeding;
            await process.WaitForExitAsync(request.CancellationToken);
            return process.ExitCode == 0
                ? output.ToArray()
                : Reply.Error(InternalServerError, $"The responder's command ended with exit code {process.ExitCode}.");
        }
        finally
        {
            End(process);
        }
    }

    private static async Task FeedAsync(Process process, Request request)
    {
        try
        {
            await process.StandardInput.BaseStream.WriteAsync(request.Payload, request.CancellationToken);
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // The command does not read its input, which is its right.
        }
    }

    // Nobody waits for the answer any more once the request's time is up.
    private static void End(Process process)
    {
        try
        {
            if (!process.HasExited)
            {
                process.Kill(entireProcessTree: true);
            }
        }
        catch (Exception e) when (e is InvalidOperationException or Win32Exception)
        {
            // It ended between the question and the signal.
        }
    }
}
