using System.Collections;
using System.CommandLine;
using Antiphon.Cli.CommandLine;
using Antiphon.Server;
using Antiphon.Server.Configuration;

namespace Antiphon.Cli.Brokers;

/// <summary>How the broker is to run: a configuration file, which the environment overrides, and both the command line.</summary>
internal sealed class BrokerSettings
{
    private readonly Option<FileInfo?> _config = new("--config", "-c")
    {
        Description =
            "The configuration file: JSON with comments (see docs/operations.md). What the command line and variables of the environment "
            + "such as ANTIPHON__LIMITS__CONNECTIONS say counts more. It is read again on SIGHUP, and when it or a file that it names "
            + "has changed.",
        HelpName = "FILE",
    };

    private readonly Option<ConfigurationOverride[]> _set = CreateSet();
    private readonly ListenerOptions _listeners;
    private readonly SettingOption _passwords = new(
        new Option<FileInfo?>("--password-file")
        {
            Description =
                "The users and their passwords, as antiphon passwd keeps them; clients prove theirs in CONNECT or by SCRAM-SHA-256.",
            HelpName = "FILE",
        },
        "users.passwordFile",
        Path.GetFullPath);
    private readonly SettingOption _anonymous = new(
        new Option<bool>("--allow-anonymous")
        {
            Description =
                "Lets in who gives no user name: everybody who reaches the address, "
                + "or with --password-file those too who are not in it.",
        },
        "allowAnonymous");
    private readonly SettingOption _logLevel = new(
        Values.OneOf(
            "--log-level",
            "How much is said on the standard error: error; warn, also refusals; info, also who connects and closes; debug. "
                + "[default: info]",
            "error",
            "warn",
            "info",
            "debug"),
        "log.level",
        level => level == "warn" ? "warning" : level);
    private readonly SettingOption[] _others;

    public BrokerSettings(Command command)
    {
        command.Options.Add(_config);
        command.Options.Add(_set);
        _listeners = new ListenerOptions(command);
        _others = [_passwords, _anonymous, _logLevel, .. LimitSettings.Create()];
        Array.ForEach(_others, option => command.Options.Add(option.Option));
    }

    /// <summary>An option for any setting of the configuration.</summary>
    public static Option<ConfigurationOverride[]> CreateSet() => new("--set")
    {
        Description =
            "A setting of the configuration, such as limits.replies=10 or listeners[0].url=mqtt://[::1]:1884; may be given several times.",
        HelpName = "NAME=VALUE",
        Arity = ArgumentArity.OneOrMore,
        CustomParser = result =>
        {
            var settings = new List<ConfigurationOverride>();
            foreach (var token in result.Tokens)
            {
                if (ConfigurationOverride.Parse(token.Value) is { } setting)
                {
                    settings.Add(setting);
                }
                else
                {
                    result.AddError($"--set «{token.Value}» is not NAME=VALUE; write for instance --set limits.connections=1000.");
                }
            }

            return [.. settings];
        },
    };

    /// <summary>The variables of the environment.</summary>
    public static IReadOnlyDictionary<string, string> ReadEnvironment() => Environment.GetEnvironmentVariables().Cast<DictionaryEntry>()
        .ToDictionary(variable => (string)variable.Key, variable => (string?)variable.Value ?? "", StringComparer.Ordinal);

    /// <summary>The options of a configuration, or what is wrong with it.</summary>
    /// <exception cref="UsageException">The sentence has a line for every mistake.</exception>
    public static ServerOptions OptionsOf(ConfigurationReading reading) => reading.Options
        ?? throw new UsageException(string.Join('\n', reading.Mistakes));

    /// <summary>What the command line, the environment and the file say; the file is not read yet.</summary>
    /// <exception cref="UsageException">The command line says what cannot be done.</exception>
    public ConfigurationFile Read(ParseResult line, TimeProvider time)
    {
        var environment = ReadEnvironment();
        var file = line.GetValue(_config);
        var set = line.GetValue(_set) ?? [];

        // Where nothing else speaks, the sentence can name the options.
        var isAlone = file is null && set.Length == 0 && !environment.Keys.Any(ConfigurationOverride.IsVariable);
        ConfigurationOverride[] said = [.. _others.Select(option => option.Read(line)).OfType<ConfigurationOverride>()];
        var isClosed = isAlone && _passwords.Read(line) is null && _anonymous.Read(line) is null;
        return new ConfigurationFile(file?.ToString(), environment, [.. _listeners.Read(line, isClosed), .. said, .. set], time);
    }
}
