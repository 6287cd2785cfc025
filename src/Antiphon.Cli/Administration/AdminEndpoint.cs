using System.Net;
using System.Net.Http.Json;
using System.Runtime.CompilerServices;
using System.Security.Authentication;
using System.Text.Json;
using Antiphon.Cli.CommandLine;

namespace Antiphon.Cli.Administration;

/// <summary>The admin endpoint of a broker, as the commands ask it.</summary>
internal sealed class AdminEndpoint(Uri url, HttpClient http) : IDisposable
{
    public void Dispose() => http.Dispose();

    /// <summary>One object.</summary>
    /// <exception cref="AdminFailedException">There is none, or it could not be had.</exception>
    public async Task<JsonElement> GetAsync(string path, CancellationToken cancellationToken)
    {
        using var response = await SendAsync(HttpMethod.Get, path, cancellationToken);
        await using var body = await response.Content.ReadAsStreamAsync(cancellationToken);
        try
        {
            return (await JsonDocument.ParseAsync(body, cancellationToken: cancellationToken)).RootElement;
        }
        catch (JsonException e)
        {
            throw Strange(e);
        }
    }

    /// <summary>A listing, as its lines come.</summary>
    /// <exception cref="AdminFailedException">It could not be had, or not to its end.</exception>
    public async IAsyncEnumerable<(string Line, JsonElement Row)> ListAsync(
        string path, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var response = await SendAsync(HttpMethod.Get, path, cancellationToken);
        using var lines = new StreamReader(await response.Content.ReadAsStreamAsync(cancellationToken));
        while (await ReadLineAsync(lines, cancellationToken) is { } line)
        {
            JsonElement row;
            try
            {
                row = JsonDocument.Parse(line).RootElement;
            }
            catch (JsonException e)
            {
                throw Strange(e);
            }

            yield return (line, row);
        }
    }

    /// <summary>Ends something.</summary>
    /// <exception cref="AdminFailedException">It is not there, or it could not be ended.</exception>
    public async Task DeleteAsync(string path, CancellationToken cancellationToken) =>
        (await SendAsync(HttpMethod.Delete, path, cancellationToken)).Dispose();

    private async Task<string?> ReadLineAsync(StreamReader lines, CancellationToken cancellationToken)
    {
        try
        {
            return await lines.ReadLineAsync(cancellationToken);
        }
        catch (Exception e) when (e is IOException or HttpRequestException)
        {
            throw new AdminFailedException(ExitCode.Connect, "connect", $"The listing of {url.Authority} broke off: {e.Message}", e);
        }
    }

    private async Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, CancellationToken cancellationToken)
    {
        HttpResponseMessage response;
        try
        {
            using var request = new HttpRequestMessage(method, path);
            response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        }
        catch (HttpRequestException e)
        {
            throw NotReached(e);
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw new AdminFailedException(ExitCode.Timeout, "timeout", $"The admin endpoint at {url.Authority} does not answer.", e);
        }

        if (response.IsSuccessStatusCode)
        {
            return response;
        }

        using (response)
        {
            throw await RefusedAsync(response, cancellationToken);
        }
    }

    private AdminFailedException NotReached(HttpRequestException e)
    {
        var sentence = e switch
        {
            { InnerException: AuthenticationException tls } when tls.Message.Contains("certificate", StringComparison.OrdinalIgnoreCase) =>
                $"The certificate of {url.Authority} is not trusted: {tls.Message.TrimEnd('.')}. "
                    + "Give the authority that issued it with --cafile.",
            { InnerException: AuthenticationException } =>
                $"What listens at {url.Authority} does not speak TLS. Check --url; an endpoint without a certificate begins with http://.",
            { HttpRequestError: HttpRequestError.ResponseEnded or HttpRequestError.InvalidResponse } =>
                $"What listens at {url.Authority} does not answer as HTTP does. Check --url: it is that of «admin» in the broker's "
                    + "configuration, not of a listener; with a certificate it begins with https://.",
            _ => $"There is no admin endpoint at {url.Authority}: {(e.InnerException ?? e).Message.TrimEnd('.')}. Check --url, and that "
                + "the broker runs with «admin» in its configuration: "
                + $"{{ \"admin\": {{ \"url\": \"{url.GetLeftPart(UriPartial.Authority)}\", \"tokenFile\": \"admin.token\" }} }}",
        };
        return new AdminFailedException(ExitCode.Connect, "connect", sentence, e);
    }

    private async Task<AdminFailedException> RefusedAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        if (response.StatusCode == HttpStatusCode.Unauthorized)
        {
            return new AdminFailedException(
                ExitCode.Denied,
                "denied",
                $"{url.Authority} does not take this token. Check --token-file: it is the file that "
                + "«admin.tokenFile» names in the broker's configuration.");
        }

        var isOurs = response.Content.Headers.ContentType?.MediaType == "application/json";
        var body = isOurs ? await response.Content.ReadFromJsonAsync(AdminLines.Instance.AdminRefusal, cancellationToken) : null;
        var code = response.StatusCode == HttpStatusCode.MisdirectedRequest ? ExitCode.Denied : ExitCode.Other;
        return body is { Error: { } sentence }
            ? new AdminFailedException(code, code == ExitCode.Denied ? "denied" : "refused", sentence)
            : Strange(null, $" ({(int)response.StatusCode})");
    }

    private AdminFailedException Strange(Exception? inner, string more = "") => new(
        ExitCode.Other, "other", $"What answers at {url.Authority} is not the admin endpoint of a broker{more}. Check --url.", inner);
}
