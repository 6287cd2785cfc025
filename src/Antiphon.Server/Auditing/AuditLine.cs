using System.Globalization;
using System.Text;
using System.Text.Json;
using Antiphon.Broker.Exchanges;
using Antiphon.Protocol;

namespace Antiphon.Server.Auditing;

/// <summary>A line of the audit log: a request and an outcome of it. Immutable.</summary>
internal sealed class AuditLine
{
    private readonly DateTimeOffset _time;
    private readonly AuditedRequest _request;
    private readonly ExchangeEnd _end;
    private readonly ReasonCode _code;
    private readonly string? _responder;
    private readonly string? _responderUser;
    private readonly byte[] _status;
    private readonly byte[]? _payload;
    private readonly int _payloadBytes;
    private readonly TimeSpan? _queued;
    private readonly TimeSpan _total;

    public AuditLine(DateTimeOffset time, AuditedRequest request, in ExchangeOutcome outcome, bool withPayload)
    {
        _time = time;
        _request = request;
        _end = outcome.End;
        _code = outcome.ReasonCode;
        _responder = outcome.ResponderClientId;
        _responderUser = outcome.ResponderUserName;
        _status = outcome.Status.ToArray();
        _payload = withPayload ? outcome.Payload.ToArray() : null;
        _payloadBytes = outcome.Payload.Length;
        _queued = outcome.Queued;
        _total = outcome.Total;
    }

    /// <summary>What it takes in memory while it waits, in bytes; the request may be shared with other lines.</summary>
    public int Size => 200 + _request.Size + _status.Length + (_payload?.Length ?? 0);

    /// <summary>The word for an outcome.</summary>
    internal static string WordOf(ExchangeEnd end) => end switch
    {
        ExchangeEnd.Answered => "answered",
        ExchangeEnd.NoResponders => "no-responders",
        ExchangeEnd.Refused => "refused",
        ExchangeEnd.Expired => "expired",
        ExchangeEnd.Evicted => "evicted",
        ExchangeEnd.Gone => "gone",
        ExchangeEnd.RequesterGone => "requester-gone",
        ExchangeEnd.Untracked => "untracked",
        ExchangeEnd.Joined => "joined",
        _ => throw new InvalidOperationException($"The audit log has no word for {end}."),
    };

    public void WriteTo(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        WriteTime(json, _time);
        json.WriteString("outcome", WordOf(_end));
        json.WriteString("topic", _request.Topic);
        json.WriteString("client", _request.ClientId);
        WriteIfThere(json, "user", _request.UserName);
        WriteIfThere(json, "address", _request.Origin?.RemoteEndPoint?.ToString());
        WriteIfThere(json, "listener", _request.Origin?.Listener);
        json.WriteString("responseTopic", _request.ResponseTopic);
        if (_request.CorrelationData.Length > 0)
        {
            json.WriteString("correlation", Convert.ToHexStringLower(_request.CorrelationData));
        }

        json.WriteNumber("qos", (int)_request.QoS);
        json.WriteNumber("bytes", _request.PayloadBytes);
        WritePayload(json, "payload", _request.Payload);
        WriteIfThere(json, "responder", _responder);
        WriteIfThere(json, "responderUser", _responderUser);
        if (_end == ExchangeEnd.Answered)
        {
            WriteAnswer(json);
        }

        if (_end == ExchangeEnd.Refused)
        {
            json.WriteString("code", string.Create(CultureInfo.InvariantCulture, $"0x{(byte)_code:X2}"));
            json.WriteString("reason", _code.ToString());
        }

        if (_queued is { } queued)
        {
            WriteMilliseconds(json, "queuedMs", queued);
        }

        WriteMilliseconds(json, "totalMs", _total);
        json.WriteEndObject();
    }

    /// <summary>Says that lines are missing.</summary>
    public static void WriteLost(Utf8JsonWriter json, DateTimeOffset time, long lines)
    {
        json.WriteStartObject();
        WriteTime(json, time);
        json.WriteString("outcome", "lost");
        json.WriteNumber("lines", lines);
        json.WriteEndObject();
    }

    /// <summary>What does not say how it ended is a success (RPC profile): it stands as 200.</summary>
    private void WriteAnswer(Utf8JsonWriter json)
    {
        if (_status.Length == 0)
        {
            json.WriteNumber("status", 200);
        }
        else if (System.Buffers.Text.Utf8Parser.TryParse(_status, out int status, out var length) && length == _status.Length)
        {
            json.WriteNumber("status", status);
        }
        else
        {
            json.WriteString("status", Encoding.UTF8.GetString(_status));
        }

        json.WriteNumber("responseBytes", _payloadBytes);
        WritePayload(json, "responsePayload", _payload);
    }

    private static void WriteTime(Utf8JsonWriter json, DateTimeOffset time) => json.WriteString(
        "time", time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture));

    private static void WriteIfThere(Utf8JsonWriter json, string name, string? value)
    {
        if (value is not null)
        {
            json.WriteString(name, value);
        }
    }

    /// <summary>As text where it is text, else in Base64, under another name.</summary>
    private static void WritePayload(Utf8JsonWriter json, string name, byte[]? payload)
    {
        if (payload is null)
        {
            return;
        }

        if (System.Text.Unicode.Utf8.IsValid(payload))
        {
            json.WriteString(name, payload);
        }
        else
        {
            json.WriteBase64String($"{name}Base64", payload);
        }
    }

    private static void WriteMilliseconds(Utf8JsonWriter json, string name, TimeSpan span) =>
        json.WriteNumber(name, Math.Round(span.TotalMilliseconds, 3));
}
