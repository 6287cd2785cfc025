using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Antiphon.Server.Configuration;

/// <summary>The JSON schema of configuration files, for editors; it is written from the same table that they are read by.</summary>
public static class ConfigurationSchema
{
    /// <summary>The schema as JSON, indented, ending with a line end.</summary>
    public static string Text { get; } = Write();

    private static string Write()
    {
        using var bytes = new MemoryStream();
        var options = new JsonWriterOptions { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, NewLine = "\n" };
        using (var schema = new Utf8JsonWriter(bytes, options))
        {
            schema.WriteStartObject();
            schema.WriteString("$schema", "https://json-schema.org/draft/2020-12/schema");
            schema.WriteString("title", "Configuration of antiphon broker");
            ServerSettings.Shape.WriteSchema(schema);
            schema.WriteEndObject();
        }

        return Encoding.UTF8.GetString(bytes.GetBuffer(), 0, (int)bytes.Length) + "\n";
    }
}
