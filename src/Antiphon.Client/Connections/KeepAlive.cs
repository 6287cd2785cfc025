namespace Antiphon.Client.Connections;

/// <summary>What the keep-alive timer asks for.</summary>
internal enum KeepAliveStep
{
    /// <summary>Nothing yet.</summary>
    Wait,

    /// <summary>Send PINGREQ.</summary>
    Ping,

    /// <summary>Nothing came back: the connection is lost.</summary>
    Lost,
}

/// <summary>
/// Decides when to send PINGREQ [MQTT-3.1.2-20] and when a server that says nothing is gone (MQTT 5 §3.1.2.10).
/// Silence in either direction calls for a ping after three quarters of the Keep Alive, so that a client that only sends finds out as well.
/// Times are durations since the connection was accepted; no clock in here.
/// </summary>
internal sealed class KeepAlive(TimeSpan interval, TimeSpan patience)
{
    private TimeSpan? _pingedAt;

    /// <summary>Whether there is any keep alive at all.</summary>
    public bool IsOn => interval > TimeSpan.Zero;

    private TimeSpan Quiet => interval * 0.75;

    private TimeSpan Patience => patience < interval ? patience : interval;

    /// <summary>Looks at the clock.</summary>
    /// <param name="now">The time now.</param>
    /// <param name="lastSent">When bytes were last sent.</param>
    /// <param name="lastReceived">When bytes were last received.</param>
    /// <param name="next">How long until it has to be asked again.</param>
    public KeepAliveStep Check(TimeSpan now, TimeSpan lastSent, TimeSpan lastReceived, out TimeSpan next)
    {
        if (_pingedAt is { } pingedAt)
        {
            if (lastReceived < pingedAt)
            {
                next = pingedAt + Patience - now;
                return next > TimeSpan.Zero ? KeepAliveStep.Wait : KeepAliveStep.Lost;
            }

            _pingedAt = null;
        }

        next = (lastSent < lastReceived ? lastSent : lastReceived) + Quiet - now;
        if (next > TimeSpan.Zero)
        {
            return KeepAliveStep.Wait;
        }

        _pingedAt = now;
        next = Patience;
        return KeepAliveStep.Ping;
    }
}
