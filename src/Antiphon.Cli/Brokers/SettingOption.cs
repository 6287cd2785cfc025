using System.CommandLine;
using Antiphon.Server.Configuration;

namespace Antiphon.Cli.Brokers;

/// <summary>An option of the command line that says a setting of the configuration, and counts more than the file.</summary>
/// <param name="Option">The option; it takes one value, or none if it is true by being there.</param>
/// <param name="Setting">The name of the setting, such as <c>limits.connections</c>.</param>
/// <param name="Text">The setting's words for what the option says; <c>null</c>: they are the same.</param>
internal sealed record SettingOption(Option Option, string Setting, Func<string, string>? Text = null)
{
    /// <summary>What the command line says; <c>null</c>: nothing.</summary>
    public ConfigurationOverride? Read(ParseResult line)
    {
        if (line.GetResult(Option) is not { Implicit: false } result)
        {
            return null;
        }

        var value = result.Tokens is [{ Value: var said }] ? said : "true";
        return new ConfigurationOverride(
            Setting, Text is null ? value : Text(value), result.Tokens.Count == 0 ? Option.Name : $"{Option.Name} {value}");
    }
}
