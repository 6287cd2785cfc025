using System.Threading.Channels;
using Antiphon.Protocol;
using Antiphon.Protocol.Packets;

namespace Antiphon.Interop.Libraries;

/// <summary>A client in a <see cref="PeerProcess"/>, which may be its own.</summary>
internal sealed class ProcessClient : IPeerClient
{
    private readonly PeerProcess _process;
    private readonly string _name;
    private readonly bool _ownsProcess;
    private readonly Channel<PeerEvent> _events = Channel.CreateUnbounded<PeerEvent>();
    private readonly Task _translating;

    public ProcessClient(PeerProcess process, string name, bool ownsProcess)
    {
        _process = process;
        _name = name;
        _ownsProcess = ownsProcess;
        _translating = TranslateAsync(process.Listen(name));
    }

    public ChannelReader<PeerEvent> Events => _events.Reader;

    public async Task<Connack> ConnectAsync(int port, Connecting how)
    {
        var line = new Line().Add("port", port).Add("version", (int)how.Version).Add("clientId", how.ClientId).Add("clean", how.Clean);
        line.Add("sessionExpiry", how.SessionExpiry).Add("receiveMaximum", how.ReceiveMaximum);
        line.Add("maximumPacketSize", how.MaximumPacketSize);
        line.Add("topicAliasMaximum", how.TopicAliasMaximum).Add("autoAssignTopicAlias", how.AssignsTopicAliases);
        line.Add("scheme", how.Scheme).Add("ca", how.CaFile).Add("certificate", how.Own?.Certificate).Add("key", how.Own?.Key);
        line.Add("userName", how.UserName).Add("password", how.Password);
        if (how.RequestsResponseInformation)
        {
            line.Add("requestResponseInformation", true);
        }

        if (how.Will is { } will)
        {
            line.Add(will.Message, "will.").Add("will.delay", will.DelayInterval);
        }

        Line answer;
        try
        {
            answer = await _process.CallAsync(_name, "connect", line);
        }
        catch (InvalidOperationException failure) when (failure.Message.Contains("socket error", StringComparison.Ordinal))
        {
            // Paho C may take the end of its last connection for the end of the new one, whose socket has the same number.
            answer = await _process.CallAsync(_name, "connect", line);
        }

        return new Connack(answer.FindNumber("reason") ?? 0, answer.Find("sessionPresent") == "1", answer.Find("responseInformation"));
    }

    public async Task<int> SubscribeAsync(string topicFilter, SubscriptionOptions options, uint? identifier)
    {
        var line = new Line().Add("filter", topicFilter).Add("qos", (int)options.MaximumQoS).Add("noLocal", options.NoLocal);
        line.Add("retainAsPublished", options.RetainAsPublished).Add("retainHandling", (int)options.RetainHandling);
        line.Add("subscriptionIdentifier", identifier);
        return (await _process.CallAsync(_name, "subscribe", line)).FindNumber("reason")!.Value;
    }

    public Task UnsubscribeAsync(string topicFilter) => _process.CallAsync(_name, "unsubscribe", new Line().Add("filter", topicFilter));

    public Task PublishAsync(ApplicationMessage message, ushort? topicAlias) =>
        _process.CallAsync(_name, "publish", new Line().Add(message).Add("topicAlias", topicAlias));

    public Task DisconnectAsync(ReasonCode reason) => _process.CallAsync(_name, "disconnect", new Line().Add("reason", (int)reason));

    public async ValueTask DisposeAsync()
    {
        try
        {
            await _process.ForgetAsync(_name);
            await _translating;
        }
        finally
        {
            if (_ownsProcess)
            {
                await _process.DisposeAsync();
            }
        }
    }

    private async Task TranslateAsync(ChannelReader<Line> lines)
    {
        await foreach (var line in lines.ReadAllAsync())
        {
            _events.Writer.TryWrite(line.Need("event") == "message" ? line.ReadMessage() : new Closed(line.FindNumber("reason")));
        }
    }
}
