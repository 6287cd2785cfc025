using Antiphon.Protocol;

namespace Antiphon.Rpc.Tests.Servers;

/// <summary>
/// Has a scripted server keep to the client's Receive Maximum as MQTT has it (§4.9): messages go out in order, never more of them
/// unacknowledged than that. What the client publishes is acknowledged at once.
/// </summary>
internal sealed class WindowedServer
{
    private readonly ScriptedServer _server;
    private readonly int _receiveMaximum;
    private readonly Queue<ApplicationMessage> _waiting = new();
    private int _sent;
    private bool _isSending;

    public WindowedServer(ScriptedServer server, int receiveMaximum)
    {
        _server = server;
        _receiveMaximum = receiveMaximum;
        server.Hearing = SendOn;
        server.Taking = publish =>
        {
            if (publish.Message.QoS != QualityOfService.AtMostOnce)
            {
                server.Acknowledge(publish);
            }

            Taking(publish.Message);
        };
    }

    /// <summary>Takes what the client publishes.</summary>
    public Action<ApplicationMessage> Taking { get; set; } = _ => { };

    /// <summary>Messages that wait for room in the window.</summary>
    public int Waiting => _waiting.Count;

    /// <summary>How many more there is room for.</summary>
    public int Room => _receiveMaximum - (_sent - _server.Acknowledged.Count);

    public void Deliver(ApplicationMessage message)
    {
        _waiting.Enqueue(message);
        SendOn();
    }

    private void SendOn()
    {
        // The client may acknowledge while it is being sent to.
        if (_isSending)
        {
            return;
        }

        _isSending = true;
        while (Room > 0 && _waiting.TryDequeue(out var message))
        {
            _sent++;
            _server.Deliver(message);
        }

        _isSending = false;
    }
}
