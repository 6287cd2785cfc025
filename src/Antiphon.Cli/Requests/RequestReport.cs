using Antiphon.Cli.CommandLine;
using Antiphon.Cli.Output;
using Antiphon.Rpc;

namespace Antiphon.Cli.Requests;

/// <summary>How the outcome of a request is printed. Called from several threads when requests run concurrently.</summary>
internal interface IRequestReport
{
    void Answered(Response response);

    /// <summary>One of several replies is an error.</summary>
    void Failed(Response error, Failure failure);

    void Failed(string topic, Failure failure, Exception exception);
}

/// <summary>
/// Payloads on the standard output, a line each or as they are, and failures as sentences on the standard error.
/// Of many equal failures only the first is said; the summary counts the rest.
/// </summary>
internal sealed class PlainReport(Terminal terminal, bool isRaw) : IRequestReport
{
    private readonly HashSet<string> _said = [];

    public void Answered(Response response)
    {
        if (isRaw)
        {
            terminal.Raw(response.Payload.Span);
        }
        else
        {
            terminal.Data(response.Payload.Span);
        }
    }

    public void Failed(Response error, Failure failure) => terminal.Complain(failure.Sentence);

    public void Failed(string topic, Failure failure, Exception exception)
    {
        lock (_said)
        {
            if (!_said.Add(failure.Name))
            {
                return;
            }
        }

        terminal.Complain(failure.Sentence);
        if (exception is RemoteErrorException { Payload.Length: > 0 } error)
        {
            terminal.Complain(PayloadText.Describe(error.Payload.Span));
        }
    }
}

/// <summary>A line of JSON for every outcome.</summary>
internal sealed class JsonReport(Terminal terminal) : IRequestReport
{
    public void Answered(Response response) => terminal.Json(ResponseLine.From(response), JsonLines.Instance.ResponseLine);

    public void Failed(Response error, Failure failure) =>
        terminal.Json(ResponseLine.From(error, failure), JsonLines.Instance.ResponseLine);

    public void Failed(string topic, Failure failure, Exception exception) =>
        terminal.Json(ResponseLine.From(topic, failure, exception), JsonLines.Instance.ResponseLine);
}
