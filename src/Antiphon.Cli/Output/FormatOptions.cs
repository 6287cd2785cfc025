using System.CommandLine;
using System.Text;
using Antiphon.Cli.CommandLine;

namespace Antiphon.Cli.Output;

/// <summary>How a command prints what it receives: payloads in one of several forms, or all there is as lines of JSON.</summary>
internal sealed class FormatOptions
{
    private const string Text = "text";
    private const string Hex = "hex";
    private const string Base64 = "base64";
    private const string Json = "json";

    private readonly Option<bool> _json;

    private readonly Option<string?> _format = Values.OneOf(
        "--format",
        "How payloads are printed: as text, byte for byte as they came; as hexadecimal digits; in Base64; json is the same as --json. "
        + "[default: text]",
        Text,
        Hex,
        Base64,
        Json);

    /// <summary>Adds the options to a command.</summary>
    /// <param name="command">The command.</param>
    /// <param name="jsonDescription">What <c>--json</c> prints.</param>
    public FormatOptions(Command command, string jsonDescription)
    {
        _json = new Option<bool>("--json") { Description = jsonDescription };
        command.Options.Add(_format);
        command.Options.Add(_json);
        command.Validators.Add(result =>
        {
            if (result.GetValue(_json) && result.GetValue(_format) is not (null or Json))
            {
                result.AddError("The output is either --json, which has a form for every payload, or --format.");
            }
        });
    }

    /// <summary>Whether lines of JSON are printed, with everything.</summary>
    public bool IsJson(ParseResult line) => line.GetValue(_json) || line.GetValue(_format) == Json;

    /// <summary>What turns a payload into what is printed; <c>null</c>: it stands in a line of JSON.</summary>
    public Func<ReadOnlyMemory<byte>, byte[]>? Read(ParseResult line) => IsJson(line) ? null : line.GetValue(_format) switch
    {
        Hex => payload => Encoding.ASCII.GetBytes(Convert.ToHexStringLower(payload.Span)),
        Base64 => payload => Encoding.ASCII.GetBytes(Convert.ToBase64String(payload.Span)),
        _ => payload => payload.ToArray(),
    };
}
