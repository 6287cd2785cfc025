using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http;

namespace Antiphon.Server.Administration;

/// <summary>Ways to answer a request to the admin endpoint.</summary>
internal static class AdminResponse
{
    private const int FlushedFrom = 32 * 1024;

    private static readonly byte[] LineEnd = [(byte)'\n'];

    /// <summary>One object, and a line end behind it.</summary>
    public static async Task WriteAsync<T>(HttpContext context, T value, JsonTypeInfo<T> type, int status = StatusCodes.Status200OK)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json";
        await context.Response.Body.WriteAsync(
            (byte[])[.. JsonSerializer.SerializeToUtf8Bytes(value, type), .. LineEnd], context.RequestAborted);
    }

    /// <summary>Text as it is.</summary>
    public static async Task WriteAsync(
        HttpContext context, byte[] text, int status = StatusCodes.Status200OK, string contentType = "text/plain; charset=utf-8")
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = contentType;
        await context.Response.Body.WriteAsync(text, context.RequestAborted);
    }

    /// <summary>Why not.</summary>
    public static Task RefuseAsync(HttpContext context, int status, string sentence) =>
        WriteAsync(context, new AdminError(sentence), AdminJson.Instance.AdminError, status);

    /// <summary>
    /// A line of JSON each, made only as fast as the other end reads. A listing that breaks off does not end as a whole one does:
    /// its connection is closed instead.
    /// </summary>
    public static async Task WriteLinesAsync<TRow, T>(
        HttpContext context, IAsyncEnumerable<TRow> rows, Func<TRow, T?> line, JsonTypeInfo<T> type)
        where T : class
    {
        context.Response.ContentType = "application/x-ndjson";
        var output = context.Response.BodyWriter;
        var pending = 0;
        await using var json = new Utf8JsonWriter(output, new JsonWriterOptions { Encoder = AdminJson.Instance.Options.Encoder });
        await foreach (var row in rows)
        {
            if (line(row) is not { } value)
            {
                continue;
            }

            JsonSerializer.Serialize(json, value, type);
            json.Flush();
            pending += (int)json.BytesCommitted + 1;
            LineEnd.CopyTo(output.GetSpan(1));
            output.Advance(1);
            json.Reset();
            if (pending >= FlushedFrom)
            {
                pending = 0;
                await output.FlushAsync(context.RequestAborted);
            }
        }

        await output.FlushAsync(context.RequestAborted);
    }
}
