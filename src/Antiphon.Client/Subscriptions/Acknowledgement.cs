using Antiphon.Protocol;

namespace Antiphon.Client;

/// <summary>
/// The PUBACK that a QoS 1 message waits for. Acknowledgements leave in the order in which the messages arrived, whatever the order of completion
/// [MQTT-4.6.0-2]; one for an earlier connection is dropped, since the server sends that message again. Safe from any thread.
/// </summary>
public readonly struct Acknowledgement
{
    /// <summary>Whether there is something to complete; not with QoS 0.</summary>
    public bool IsNeeded => throw new NotImplementedException();

    /// <summary>Says that the message has been dealt with. Only the first call counts.</summary>
    /// <param name="code">Success, or one of the codes that PUBACK allows (MQTT 5 §3.4.2.1); from 0x80 on the server does not send the message again.</param>
    /// <exception cref="ArgumentException">PUBACK does not allow the code.</exception>
    public void Complete(ReasonCode code = ReasonCode.Success) => throw new NotImplementedException();
}
