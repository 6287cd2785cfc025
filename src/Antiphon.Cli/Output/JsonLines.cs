using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Antiphon.Cli.Loads;
using Antiphon.Cli.Probing;
using Antiphon.Cli.Replies;
using Antiphon.Cli.Requests;
using Antiphon.Cli.Subscribing;

namespace Antiphon.Cli.Output;

/// <summary>
/// The lines of <c>--json</c>. Use <see cref="Instance"/>, which leaves text readable: it goes to a terminal or a program, never into HTML.
/// </summary>
[JsonSerializable(typeof(MessageLine))]
[JsonSerializable(typeof(ResponseLine))]
[JsonSerializable(typeof(RequestLine))]
[JsonSerializable(typeof(ProbeResult))]
[JsonSerializable(typeof(LoadResult))]
internal sealed partial class JsonLines : JsonSerializerContext
{
    public static JsonLines Instance { get; } = new(new JsonSerializerOptions
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    });
}
