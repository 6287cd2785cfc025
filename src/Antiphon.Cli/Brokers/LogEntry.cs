using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Antiphon.Server;
using Microsoft.Extensions.Logging;

namespace Antiphon.Cli.Brokers;

/// <summary>An entry of the broker's log, and what its line looks like in each format. Immutable.</summary>
/// <param name="Time">When it happened.</param>
/// <param name="Level">How much it matters.</param>
/// <param name="Category">Which part of the program says it.</param>
/// <param name="Event">What kind of event it is; its number never changes its meaning.</param>
/// <param name="Sentence">The sentence.</param>
/// <param name="Fields">What stands in the sentence, by name.</param>
/// <param name="Exception">What was thrown, if anything.</param>
internal sealed record LogEntry(
    DateTimeOffset Time,
    LogLevel Level,
    string Category,
    EventId Event,
    string Sentence,
    IReadOnlyList<KeyValuePair<string, object?>> Fields,
    Exception? Exception)
{
    /// <summary>The template of the sentence, which the logging library puts among the fields.</summary>
    private const string Template = "{OriginalFormat}";

    private static readonly JsonWriterOptions Readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Its line.</summary>
    public string Line(LogFormat format) => format switch
    {
        LogFormat.Json => JsonLine(),
        LogFormat.Systemd => string.Create(CultureInfo.InvariantCulture, $"<{Priority}>{Printable(Sentence + More)}"),
        _ => Printable($"{Timestamp} {Name} {Sentence}{More}"),
    };

    private string Timestamp => Time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);

    private string More => Exception is null ? "" : $": {Exception}";

    private string Name => Level switch
    {
        LogLevel.Critical or LogLevel.Error => "error",
        LogLevel.Warning => "warn ",
        LogLevel.Information => "info ",
        _ => "debug",
    };

    /// <summary>As syslog counts them, and sd-daemon(3).</summary>
    private int Priority => Level switch
    {
        LogLevel.Critical => 2,
        LogLevel.Error => 3,
        LogLevel.Warning => 4,
        LogLevel.Information => 6,
        _ => 7,
    };

    private string JsonLine()
    {
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes, Readable))
        {
            json.WriteStartObject();
            json.WriteString("time", Timestamp);
            json.WriteString("level", Name.TrimEnd());
            json.WriteString("category", Category);
            json.WriteNumber("event", Event.Id);
            json.WriteString("message", Sentence);
            if (Fields.Any(field => field.Key != Template))
            {
                json.WriteStartObject("fields");
                foreach (var (name, value) in Fields.Where(field => field.Key != Template))
                {
                    json.WritePropertyName(JsonNamingPolicy.CamelCase.ConvertName(name));
                    Write(json, value);
                }

                json.WriteEndObject();
            }

            if (Exception is not null)
            {
                json.WriteString("exception", Exception.ToString());
            }

            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(bytes.GetBuffer(), 0, (int)bytes.Length);
    }

    private static void Write(Utf8JsonWriter json, object? value)
    {
        switch (value)
        {
            case null:
                json.WriteNullValue();
                break;
            case bool flag:
                json.WriteBooleanValue(flag);
                break;
            case byte or int or long:
                json.WriteNumberValue(Convert.ToInt64(value, CultureInfo.InvariantCulture));
                break;
            case double number when double.IsFinite(number):
                json.WriteNumberValue(number);
                break;
            default:
                json.WriteStringValue(Convert.ToString(value, CultureInfo.InvariantCulture));
                break;
        }
    }

    /// <summary>Nothing that a peer has sent may begin a line of its own, or steer a terminal.</summary>
    private static string Printable(string text) =>
        string.Concat(text.ReplaceLineEndings(" | ").Select(c => char.IsControl(c) ? '\uFFFD' : c));
}
