using System.Text;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;
using Antiphon.Protocol.Properties;

namespace Antiphon.Broker.Limits;

/// <summary>How long and how deep topics may be, and how many User Properties a packet may have.</summary>
internal sealed class MessageLimits
{
    /// <summary>More levels than anybody needs: each takes memory of its own, and matching descends one by one.</summary>
    public const int MostLevels = 128;

    /// <summary>What a User Property takes at least in a packet: its identifier and two lengths.</summary>
    private const int SmallestUserProperty = 5;

    private readonly OptionsInForce _inForce;
    private readonly EngineCounters _counters;

    /// <summary>A topic of less bytes is neither too long nor has too many levels.</summary>
    private int _short;

    /// <summary>So many bytes of properties hold neither too many User Properties nor too long ones.</summary>
    private int _few;

    private Fault _topicOverLimits;
    private Fault _tooManyUserProperties;

    public MessageLimits(OptionsInForce options, EngineCounters counters)
    {
        _inForce = options;
        _counters = counters;
        WorkOut();
        options.Replaced += WorkOut;
    }

    private BrokerOptions Options => _inForce.Current;

    /// <summary>Judges a PUBLISH.</summary>
    /// <returns>Why it is refused; default: it is within the limits.</returns>
    public Fault Check(in PublishView publish) => IsSurelyWithin(publish) ? default : CheckClosely(publish);

    /// <summary>Whether a PUBLISH is so short that it is within the limits; if not, it may be all the same.</summary>
    public bool IsSurelyWithin(in PublishView publish) => publish.Topic.Length < _short && publish.Properties.Length <= _few;

    /// <summary>Judges a CONNECT, with its Will.</summary>
    public Fault Check(ConnectPacket connect)
    {
        var fault = CheckUserProperties(connect.UserProperties);
        if (fault.Exists || connect.Will is not { Message: var will })
        {
            return fault;
        }

        fault = CheckUserProperties(will.UserProperties);
        if (!fault.Exists && !IsTopicWithin(Encoding.UTF8.GetBytes(will.Topic)))
        {
            _counters.OverMessageLimits++;
            fault = new Fault(
                ReasonCode.TopicNameInvalid,
                $"The Will Topic has more than {Options.MaximumTopicLength} bytes or {Options.MaximumTopicLevels} levels "
                    + "(MQTT 5 §3.1.3.3).");
        }

        return fault;
    }

    /// <summary>Judges the User Properties of a packet other than PUBLISH. Too many of them end its connection.</summary>
    public Fault CheckUserProperties(IReadOnlyList<UserProperty> properties)
    {
        if (properties.Count == 0)
        {
            return default;
        }

        if (properties.Count <= Options.MaximumUserProperties
            && properties.Sum(property => (long)Encoding.UTF8.GetByteCount(property.Name) + Encoding.UTF8.GetByteCount(property.Value))
                <= Options.MaximumUserPropertyBytes)
        {
            return default;
        }

        _counters.OverMessageLimits++;
        return new Fault(
            ReasonCode.QuotaExceeded,
            $"The packet has {properties.Count} User Properties; at most {Options.MaximumUserProperties}, and "
                + $"{Options.MaximumUserPropertyBytes} bytes of them, are accepted (MQTT 5 §4.13).");
    }

    /// <summary>Whether a Topic Name, or a Topic Filter without <c>$share/NAME/</c>, is neither too long nor has too many levels.</summary>
    public bool IsTopicWithin(ReadOnlySpan<byte> topicOrFilter) =>
        topicOrFilter.Length < _short
        || (topicOrFilter.Length <= Options.MaximumTopicLength && topicOrFilter.Count((byte)'/') < Options.MaximumTopicLevels);

    private void WorkOut()
    {
        var options = Options;
        _short = Math.Min(options.MaximumTopicLength + 1, options.MaximumTopicLevels);
        _few = (int)Math.Min(options.MaximumUserPropertyBytes, (long)options.MaximumUserProperties * SmallestUserProperty);
        _topicOverLimits = new Fault(
            ReasonCode.TopicNameInvalid,
            $"The Topic Name has more than {options.MaximumTopicLength} bytes or {options.MaximumTopicLevels} levels.");
        _tooManyUserProperties = new Fault(
            ReasonCode.QuotaExceeded,
            $"The message has more than {options.MaximumUserProperties} User Properties, or more than "
                + $"{options.MaximumUserPropertyBytes} bytes of them.");
    }

    private Fault CheckClosely(in PublishView publish)
    {
        var fault = !IsTopicWithin(publish.Topic) ? _topicOverLimits
            : HasTooManyUserProperties(publish) ? _tooManyUserProperties
            : default;
        _counters.OverMessageLimits += fault.Exists ? 1 : 0;
        return fault;
    }

    private bool HasTooManyUserProperties(in PublishView publish)
    {
        if (publish.Properties.Length <= _few)
        {
            return false;
        }

        var count = 0;
        var bytes = 0L;
        var properties = publish.ReadProperties();
        while (properties.TryRead(out var property))
        {
            if (property.Identifier == PropertyIdentifier.UserProperty)
            {
                count++;
                bytes += property.Bytes.Length + property.Second.Length;
            }
        }

        return count > Options.MaximumUserProperties || bytes > Options.MaximumUserPropertyBytes;
    }
}
