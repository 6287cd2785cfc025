using System.Threading.Channels;

namespace Antiphon.Client.Tests.Peers;

/// <summary>The changes of a client's state, in their order.</summary>
internal sealed class StateLog
{
    private readonly Channel<ConnectionStateChange> _changes = Channel.CreateUnbounded<ConnectionStateChange>();

    public StateLog(MqttClient client) => client.StateChanged += (_, change) => _changes.Writer.TryWrite(change);

    /// <summary>Waits for the next change to that state.</summary>
    public async Task<ConnectionStateChange> NextAsync(ConnectionState state)
    {
        while (true)
        {
            var change = await _changes.Reader.ReadAsync(Limit.Token);
            if (change.State == state)
            {
                return change;
            }
        }
    }
}
