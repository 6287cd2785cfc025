using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Antiphon.Cli.Administration;

/// <summary>A Topic Filter, and who subscribes to it.</summary>
/// <param name="TopicFilter">The filter, with <c>$share/NAME/</c> if the subscriptions are shared.</param>
/// <param name="Subscriptions">How many subscriptions it has.</param>
/// <param name="Connected">How many of these are of clients that are connected.</param>
/// <param name="Responders">How many count as responders.</param>
internal sealed record TopicLine(string TopicFilter, int Subscriptions, int Connected, int Responders);

/// <summary>Why the endpoint did not do something.</summary>
internal sealed record AdminRefusal(string? Error);

/// <summary>The JSON that the commands of operators read and print. Use <see cref="Instance"/>, which leaves text readable.</summary>
[JsonSerializable(typeof(TopicLine))]
[JsonSerializable(typeof(AdminRefusal))]
internal sealed partial class AdminLines : JsonSerializerContext
{
    public static AdminLines Instance { get; } = new(new JsonSerializerOptions
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    });
}
