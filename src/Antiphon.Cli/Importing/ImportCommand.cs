using System.CommandLine;
using Antiphon.Cli.CommandLine;
using Antiphon.Cli.Files;
using Antiphon.Cli.Output;
using Antiphon.Server.Configuration;
using Antiphon.Server.Importing;

namespace Antiphon.Cli.Importing;

/// <summary><c>antiphon import</c>: makes files for the broker from those of another broker.</summary>
internal static class ImportCommand
{
    public const string Example = """
        antiphon import mosquitto /etc/mosquitto/mosquitto.conf --out antiphon.json
        antiphon import mosquitto mosquitto.conf --out antiphon.json --without persistence
        """;

    public static Command Create(Terminal terminal, TimeProvider time, Action<Command, string> addExample)
    {
        var command = new Command("import", "Makes a configuration file from the files of another broker.");
        var mosquitto = CreateMosquitto(terminal, time);
        command.Subcommands.Add(mosquitto);
        addExample(mosquitto, Example);
        return command;
    }

    private static Command CreateMosquitto(Terminal terminal, TimeProvider time)
    {
        var command = new Command(
            "mosquitto",
            "Translates mosquitto's configuration, access rules and password files. What cannot be said here is refused by file and line, "
            + "all of it at once, and then nothing is written. Users keep their passwords; they cannot use SCRAM.");
        var files = new Argument<FileInfo[]>("FILE")
        {
            Description =
                "Configurations of mosquitto's, in its order. "
                + "Files of access rules and of passwords are found through them, or named here.",
            Arity = ArgumentArity.OneOrMore,
        };
        var output = new Option<FileInfo>("--out", "-o")
        {
            Description = "The configuration file to write; users go into a file beside it that ends in .users. Neither may be there yet.",
            HelpName = "FILE",
            Required = true,
        };
        var without = new Option<string[]>("--without")
        {
            Description = "Leaves out the lines of an option, such as persistence, instead of refusing them; may be given several times.",
            HelpName = "OPTION",
            Arity = ArgumentArity.OneOrMore,
        };
        command.Arguments.Add(files);
        command.Options.Add(output);
        command.Options.Add(without);
        command.SetAction(async (line, interrupted) =>
        {
            var file = line.GetRequiredValue(output);
            var users = new FileInfo(Path.ChangeExtension(file.FullName, ".users"));
            foreach (var one in new[] { file, users }.Where(one => one.Exists))
            {
                throw new UsageException($"«{one}» is there already; name another file with --out.");
            }

            var translation = MosquittoImport.Translate(
                [.. line.GetRequiredValue(files).Select(one => one.ToString())],
                users.Name,
                (line.GetValue(without) ?? []).ToHashSet(StringComparer.Ordinal));
            foreach (var sentence in translation.Notes)
            {
                terminal.Note(sentence);
            }

            if (translation.Configuration is not { } configuration)
            {
                foreach (var sentence in translation.Refusals)
                {
                    terminal.Complain(sentence);
                }

                terminal.Complain("Nothing was written. Change these lines, or leave options out with --without.");
                return (int)ExitCode.Usage;
            }

            if (translation.Users is { } text)
            {
                await WriteAsync(users, text, time, interrupted);
                terminal.Data($"{users}");
            }

            await WriteAsync(file, configuration, time, interrupted);
            terminal.Data($"{file.FullName}");
            return Check(file, terminal, time);
        });
        return command;
    }

    private static async Task WriteAsync(FileInfo file, string text, TimeProvider time, CancellationToken cancellationToken)
    {
        using var locked = await LockedFile.OpenAsync(file.FullName, time, cancellationToken);
        locked.Replace(text);
    }

    /// <summary>The broker has to take it as it stands, with the files that it names.</summary>
    private static int Check(FileInfo file, Terminal terminal, TimeProvider time)
    {
        var reading = new ConfigurationFile(file.FullName, new Dictionary<string, string>(), [], time).Read();
        foreach (var mistake in reading.Mistakes)
        {
            terminal.Complain(mistake.ToString());
        }

        return (int)(reading.Options is null ? ExitCode.Usage : ExitCode.Success);
    }
}
