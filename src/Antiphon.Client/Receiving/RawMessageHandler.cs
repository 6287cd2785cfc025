using Antiphon.Protocol.Packets;

namespace Antiphon.Client;

/// <summary>
/// Takes a message on the receive loop, as it stands in the receive buffer. It must return soon and must not block:
/// nothing else is received meanwhile. It may call any method of the client, but not wait for it.
/// </summary>
/// <param name="message">The message; valid until the handler returns. The Topic is always there in full.</param>
/// <param name="acknowledgement">To be completed once, now or later, if the message asks for it.</param>
public delegate void RawMessageHandler(in PublishView message, in Acknowledgement acknowledgement);
