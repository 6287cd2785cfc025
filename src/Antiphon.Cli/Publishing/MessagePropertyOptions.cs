using System.CommandLine;
using System.CommandLine.Parsing;
using Antiphon.Cli.CommandLine;
using Antiphon.Protocol.Properties;

namespace Antiphon.Cli.Publishing;

/// <summary>
/// What a message says about itself beside its payload: the Content Type and User Properties (MQTT 5 §3.3.2.3.7, §3.3.2.3.9).
/// </summary>
internal sealed class MessagePropertyOptions
{
    private readonly Option<string?> _contentType = new("--content-type")
    {
        Description = "What the payload is, for instance application/json.",
        HelpName = "TYPE",
    };

    private readonly Option<UserProperty[]> _userProperties = new("--user-property", "-H")
    {
        Description = "A User Property; may be given more than once.",
        HelpName = "NAME=VALUE",
        CustomParser = ReadPairs,
    };

    public MessagePropertyOptions(Command command)
    {
        command.Options.Add(_contentType);
        command.Options.Add(_userProperties);
    }

    /// <summary>The Content Type; <c>null</c>: not said.</summary>
    public string? ContentType(ParseResult line) => line.GetValue(_contentType);

    /// <summary>The User Properties in the order of the command line.</summary>
    public IReadOnlyList<UserProperty> UserProperties(ParseResult line) => line.GetValue(_userProperties) ?? [];

    /// <summary>Turns down what MQTT 3.1.1 has no place for.</summary>
    /// <param name="line">The command line.</param>
    /// <param name="others">What else the command has of that kind.</param>
    /// <exception cref="UsageException">One of them is given.</exception>
    public void ThrowIfGiven(ParseResult line, params Option[] others)
    {
        Option[] options = [_contentType, _userProperties, .. others];
        if (options.FirstOrDefault(option => line.GetResult(option) is { Implicit: false }) is { } given)
        {
            throw new UsageException($"MQTT 3.1.1 has no {given.Name}: leave it out, or speak MQTT 5.");
        }
    }

    private static UserProperty[] ReadPairs(ArgumentResult result)
    {
        var properties = new List<UserProperty>();
        foreach (var token in result.Tokens)
        {
            // The value may hold further equals signs.
            var equals = token.Value.IndexOf('=', StringComparison.Ordinal);
            if (equals <= 0)
            {
                result.AddError(
                    $"--user-property «{token.Value}» is not NAME=VALUE; write for instance -H trace=42. "
                    + "The broker's name goes behind --host.");
                continue;
            }

            properties.Add(new UserProperty(token.Value[..equals], token.Value[(equals + 1)..]));
        }

        return [.. properties];
    }
}
