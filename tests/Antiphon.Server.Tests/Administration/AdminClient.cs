using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using Antiphon.Server.Tests.Peers;

namespace Antiphon.Server.Tests.Administration;

/// <summary>Asks the admin endpoint of a server, by its token.</summary>
internal sealed class AdminClient : IDisposable
{
    private readonly HttpClient _http;

    public AdminClient(ServerHost server, string? token, HttpMessageHandler? handler = null)
    {
        _http = new HttpClient(handler ?? new HttpClientHandler()) { BaseAddress = new Uri(server.AdminUrl!), Timeout = Servers.Patience };
        if (token is not null)
        {
            _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        }
    }

    public async Task<(HttpStatusCode Status, string Text)> SendAsync(HttpMethod method, string path, string? host = null)
    {
        using var request = new HttpRequestMessage(method, path);
        request.Headers.Host = host;
        using var response = await _http.SendAsync(request, Servers.Ending);
        return (response.StatusCode, await response.Content.ReadAsStringAsync(Servers.Ending));
    }

    public async Task<string> GetAsync(string path)
    {
        var (status, text) = await SendAsync(HttpMethod.Get, path);
        Assert.Equal(HttpStatusCode.OK, status);
        return text;
    }

    public async Task<JsonElement> JsonAsync(string path) => JsonDocument.Parse(await GetAsync(path)).RootElement;

    public async Task<JsonElement[]> LinesAsync(string path) =>
        [.. (await GetAsync(path)).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement)];

    public void Dispose() => _http.Dispose();
}
