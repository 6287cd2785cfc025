using System.CommandLine;
using System.Security.Cryptography;
using System.Text;
using Antiphon.Broker.Authentication;
using Antiphon.Cli.CommandLine;
using Antiphon.Cli.Output;
using Antiphon.Protocol.Authentication;

namespace Antiphon.Cli.Passwords;

/// <summary>
/// <c>antiphon passwd</c>: keeps the file of users that <c>antiphon broker --password-file</c> serves.
/// A password never stands on the command line, which every user of a machine can read.
/// </summary>
internal static class PasswdCommand
{
    public const string Example = """
        antiphon passwd users ann
        ANTIPHON_PASSWORD=secret antiphon passwd users ann
        antiphon passwd users ann --password-from-stdin < secret.txt
        antiphon passwd users ann --delete
        antiphon passwd users --list
        """;

    private const string PasswordVariable = "ANTIPHON_PASSWORD";
    private const int SaltBytes = 16;

    /// <summary>
    /// Some milliseconds of one processor: dear to who tries many, cheap to a broker whose clients all come back at once.
    /// </summary>
    private const int Iterations = 20_000;

    public static Command Create(Terminal terminal, TimeProvider time)
    {
        var command = new Command(
            "passwd",
            $"Adds a user to the password file of a broker (--password-file, or users.passwordFile in its configuration), "
            + "or changes the password. "
            + $"It is taken from {PasswordVariable}, else it is asked for at the terminal. "
            + "A running broker reads the file again when it has changed.");
        var file = new Argument<FileInfo>("FILE")
        {
            Description = "The password file; it is created if it is not there, readable by its owner alone; else its owner and mode stay.",
        };
        var user = new Argument<string?>("USER") { Description = "The user name.", Arity = ArgumentArity.ZeroOrOne };
        var fromInput = new Option<bool>("--password-from-stdin")
        {
            Description = "Takes the password from the standard input; a line end behind it does not count.",
        };
        var delete = new Option<bool>("--delete", "-D") { Description = "Deletes the user instead." };
        var list = new Option<bool>("--list", "-l") { Description = "Prints the names of all users instead, a line each." };
        command.Arguments.Add(file);
        command.Arguments.Add(user);
        command.Options.Add(fromInput);
        command.Options.Add(delete);
        command.Options.Add(list);
        command.SetAction(async (line, interrupted) =>
        {
            var path = line.GetRequiredValue(file);
            var name = line.GetValue(user);
            if (line.GetValue(list))
            {
                if (name is not null || line.GetValue(delete) || line.GetValue(fromInput))
                {
                    throw new UsageException("--list prints all users: leave USER and the other options out.");
                }

                List(terminal, await PasswordFile.ReadAsync(path, interrupted));
                return (int)ExitCode.Success;
            }

            if (name is null)
            {
                throw new UsageException("Say which USER, or --list to see them all.");
            }

            var before = path.Exists ? await PasswordFile.ReadAsync(path, interrupted) : CredentialList.Empty;
            if (line.GetValue(delete))
            {
                if (!before.Contains(name))
                {
                    throw new UsageException($"There is no user «{name}» in «{path}».");
                }

                await PasswordFile.ChangeAsync(path, users => users.Without(name), time, interrupted);
                terminal.Note($"User «{name}» is deleted.");
                return (int)ExitCode.Success;
            }

            if (name.Length == 0 || name.AsSpan().ContainsAny(":\r\n\0"))
            {
                throw new UsageException(
                    $"The user name «{name}» is not possible: it has one character or more, no colon, no line end and no U+0000.");
            }

            var password = await ReadPasswordAsync(terminal, line.GetValue(fromInput), interrupted);
            if (password.IsEmpty)
            {
                throw new UsageException("The password is empty; nothing was changed.");
            }

            var credential = ScramCredential.Derive(password.Span, RandomNumberGenerator.GetBytes(SaltBytes), Iterations);
            var isNew = true;
            await PasswordFile.ChangeAsync(
                path,
                users =>
                {
                    isNew = !users.Contains(name);
                    return users.With(name, credential);
                },
                time,
                interrupted);
            terminal.Note(isNew ? $"User «{name}» is added." : $"The password of user «{name}» is changed.");
            return (int)ExitCode.Success;
        });
        return command;
    }

    private static void List(Terminal terminal, CredentialList users)
    {
        foreach (var name in users.UserNames)
        {
            terminal.Data(name);
        }

        string[] plain = [.. users.UserNames.Where(name => !users.ServesScram(name))];
        if (plain.Length > 0)
        {
            terminal.Note($"With a plain password only, and not by SCRAM: {string.Join(", ", plain)}.");
        }
    }

    private static async Task<ReadOnlyMemory<byte>> ReadPasswordAsync(
        Terminal terminal, bool fromInput, CancellationToken cancellationToken)
    {
        if (fromInput)
        {
            using var bytes = new MemoryStream();
            await using var input = Console.OpenStandardInput();
            await input.CopyToAsync(bytes, cancellationToken);
            return bytes.ToArray().AsMemory().TrimEnd("\r\n"u8);
        }

        if (Environment.GetEnvironmentVariable(PasswordVariable) is { Length: > 0 } password)
        {
            return Encoding.UTF8.GetBytes(password);
        }

        if (Console.IsInputRedirected)
        {
            throw new UsageException(
                $"There is no terminal to ask for the password at: set {PasswordVariable}, or give --password-from-stdin.");
        }

        // The wait for a key cannot be cancelled; Ctrl-C leaves it behind.
        var (typed, again) = await Task.Run(() => (Ask(terminal, "Password: "), Ask(terminal, "Again: ")), cancellationToken)
            .WaitAsync(cancellationToken);
        return typed == again ? Encoding.UTF8.GetBytes(typed) : throw new UsageException("The two passwords differ; nothing was changed.");
    }

    /// <summary>Reads a line without showing it.</summary>
    private static string Ask(Terminal terminal, string prompt)
    {
        terminal.Prompt(prompt);
        var text = new StringBuilder();
        while (Console.ReadKey(intercept: true) is { Key: not ConsoleKey.Enter } key)
        {
            if (key.Key != ConsoleKey.Backspace)
            {
                text.Append(key.KeyChar);
            }
            else if (text.Length > 0)
            {
                text.Length--;
            }
        }

        terminal.Prompt("\n");
        return text.ToString();
    }
}
