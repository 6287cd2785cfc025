using System.Runtime.CompilerServices;
using System.Text;
using Antiphon.Protocol;
using Antiphon.Protocol.Properties;
using Antiphon.Rpc.Responding;

namespace Antiphon.Rpc;

/// <summary>
/// A Request Message as its handler sees it. It may be used until its handler has ended, and from any thread until then: afterwards its
/// memory serves another request. What is to be kept has to be copied before; texts are copies already.
/// </summary>
/// <exception cref="ObjectDisposedException">Thrown by every property: the handler has ended.</exception>
public sealed class Request
{
    private readonly ReceivedRequest _received;
    private readonly uint _version;
    private string? _topic;
    private string? _responseTopic;
    private IReadOnlyList<UserProperty>? _userProperties;
    private Caller? _caller;

    internal Request(ReceivedRequest received)
    {
        _received = received;
        _version = received.Version;
    }

    /// <summary>The Topic Name that it was asked on.</summary>
    public string Topic => Checked(_topic ??= Checked(Received.Topic));

    /// <summary>The payload.</summary>
    public ReadOnlyMemory<byte> Payload => Checked(Received.Message.Payload);

    /// <summary>The payload as UTF-8 text, made anew each time; bytes that are none come out as U+FFFD.</summary>
    public string Text => Checked(Encoding.UTF8.GetString(Payload.Span));

    /// <summary>What the payload is, made anew each time; <c>null</c>: not said.</summary>
    public string? ContentType =>
        Checked(Received.Message.TryFind(PropertyIdentifier.ContentType, out var property) ? property.Text : null);

    /// <summary>Whether the payload is UTF-8 text; <c>null</c>: not said.</summary>
    public bool? PayloadIsUtf8 =>
        Checked<bool?>(Received.Message.TryFind(PropertyIdentifier.PayloadFormatIndicator, out var property) ? property.Number == 1 : null);

    /// <summary>User Properties in their order, those of the profile included.</summary>
    public IReadOnlyList<UserProperty> UserProperties => Checked(_userProperties ??= Checked(Received.Message.ReadUserProperties()));

    /// <summary>The Correlation Data; empty when absent. The responder repeats it in the answer by itself.</summary>
    public ReadOnlyMemory<byte> CorrelationData => Checked(Received.Message.CorrelationData);

    /// <summary>Where the answer goes; <c>null</c>: the message asks for none, and what the handler returns is dropped.</summary>
    public string? ResponseTopic =>
        Checked(Received.AsksForAnswer ? _responseTopic ??= Checked(Encoding.UTF8.GetString(_received.Message.ResponseTopic)) : null);

    /// <summary>
    /// Who has asked, and whether the broker vouches for that; <c>null</c>: nobody says. A broker vouches for it that stamps requests, as
    /// Antiphon's does with <c>stampCaller</c>.
    /// </summary>
    public Caller? Caller => Checked(_caller ??= Checked(Caller.Of(Received.Message, _received.IsFromAntiphon)));

    /// <summary>The QoS that it arrived with; the answer goes out with the same.</summary>
    public QualityOfService QoS => Checked(Received.QoS);

    /// <summary>How much time is left to answer, zero or more; <c>null</c>: the request says nothing of time.</summary>
    public TimeSpan? Remaining => Checked(Received.Remaining);

    /// <summary>
    /// Fires when the time is up, or when the registration ends and has waited long enough. It may be kept; it does not fire any more when
    /// the handler has ended.
    /// </summary>
    public CancellationToken CancellationToken => _received.TokenOf(_version) ?? throw Ended();

    /// <summary>
    /// Whether the server may have delivered it before, to this client or to another of its share group (MQTT 5 §3.3.1.1). What this
    /// responder knows to have run does not come again.
    /// </summary>
    public bool IsRedelivery => Checked(Received.IsRedelivery);

    // Looked at before and after reading: what another request has left there meanwhile is not given out.
    private ReceivedRequest Received => _received.Version == _version ? _received : throw Ended();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private T Checked<T>(T value) => _received.Version == _version ? value : throw Ended();

    private static ObjectDisposedException Ended() =>
        new(nameof(Request), "A request may be used until its handler has ended. Copy what is to be kept before that.");
}
