using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Antiphon.Server.Administration;

/// <summary>
/// How the endpoint writes JSON. Use <see cref="Instance"/>, which leaves text readable: it is served as JSON only, never as HTML.
/// </summary>
[JsonSerializable(typeof(ClientRow))]
[JsonSerializable(typeof(SessionRow))]
[JsonSerializable(typeof(SubscriptionRow))]
[JsonSerializable(typeof(RetainedRow))]
[JsonSerializable(typeof(ClientWhole))]
[JsonSerializable(typeof(StatusRow))]
[JsonSerializable(typeof(AdminError))]
internal sealed partial class AdminJson : JsonSerializerContext
{
    public static AdminJson Instance { get; } = new(new JsonSerializerOptions
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    });
}
