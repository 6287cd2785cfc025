using System.CommandLine;
using Antiphon.Cli.CommandLine;

namespace Antiphon.Cli.Publishing;

/// <summary>
/// Where the payload of a message comes from: the command line, a file or the standard input; from nowhere, and it is empty.
/// </summary>
internal sealed class PayloadOptions
{
    private readonly Argument<string?> _body = new("BODY")
    {
        Description = "The payload, sent as UTF-8 text; without it and without --file and --stdin, the payload is empty.",
        Arity = ArgumentArity.ZeroOrOne,
    };

    private readonly Option<FileInfo?> _file = new("--file", "-f")
    {
        Description = "Takes the payload from a file, byte for byte.",
        HelpName = "FILE",
    };

    private readonly Option<bool> _stdin = new("--stdin", "-s")
    {
        Description = "Takes the payload from the standard input, byte for byte, up to its end.",
    };

    /// <summary>Adds the options to a command.</summary>
    /// <param name="command">The command.</param>
    /// <param name="lines">The command's own way to have many payloads instead of one; <c>null</c>: it has none.</param>
    public PayloadOptions(Command command, Option<bool>? lines = null)
    {
        command.Arguments.Add(_body);
        command.Options.Add(_file);
        command.Options.Add(_stdin);
        if (lines is not null)
        {
            command.Options.Add(lines);
        }

        command.Validators.Add(result =>
        {
            var sources = (result.GetResult(_body) is { Tokens.Count: > 0 } ? 1 : 0)
                + (result.GetResult(_file) is { Implicit: false } ? 1 : 0)
                + (result.GetResult(_stdin) is { Implicit: false } ? 1 : 0)
                + (lines is not null && result.GetResult(lines) is { Implicit: false } ? 1 : 0);
            if (sources > 1)
            {
                result.AddError(lines is null
                    ? "The payload comes from one place only: give BODY, --file or --stdin."
                    : "The payload comes from one place only: give BODY, --file, --stdin or --stdin-lines.");
            }
        });
    }

    public async Task<Payload> ReadAsync(ParseResult line, CancellationToken cancellationToken)
    {
        if (line.GetValue(_file) is { } file)
        {
            try
            {
                return new Payload(await File.ReadAllBytesAsync(file.FullName, cancellationToken), IsText: false);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw new UsageException($"The file «{file}» cannot be read: {e.Message}");
            }
        }

        if (line.GetValue(_stdin))
        {
            using var input = Console.OpenStandardInput();
            var bytes = new MemoryStream();

            // A read from a terminal cannot be cancelled; the wait for it can.
            await input.CopyToAsync(bytes, cancellationToken).WaitAsync(cancellationToken);
            return new Payload(bytes.ToArray(), IsText: false);
        }

        return line.GetValue(_body) is { } body ? new Payload(System.Text.Encoding.UTF8.GetBytes(body), IsText: true) : default;
    }
}
