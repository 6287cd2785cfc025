using Antiphon.Broker.Access;
using Antiphon.Broker.Authentication;
using Antiphon.Broker.Buffers;
using Antiphon.Broker.Limits;
using Antiphon.Broker.Listing;
using Antiphon.Broker.Messages;
using Antiphon.Broker.Sessions;
using Antiphon.Broker.Timing;
using Antiphon.Protocol;
using Antiphon.Protocol.Aliases;
using Antiphon.Protocol.Packets;

namespace Antiphon.Broker.Connections;

/// <summary>How far a Network Connection has come.</summary>
internal enum ConnectionPhase : byte
{
    /// <summary>The proxy has to say first whose connection it is.</summary>
    AwaitingProxyHeader,

    /// <summary>Nothing but a CONNECT may arrive [MQTT-3.1.0-1].</summary>
    AwaitingConnect,

    /// <summary>CONNECT has come, and who the client is has to be found out before CONNACK (§3.1.4).</summary>
    Authenticating,

    /// <summary>CONNACK with success has been sent.</summary>
    Connected,

    /// <summary>The last packet is on its way; what still arrives is discarded.</summary>
    Closing,

    /// <summary>It is gone.</summary>
    Closed,
}

/// <summary>How far the other end has ended a connection.</summary>
internal enum PeerEnd : byte
{
    /// <summary>Not at all.</summary>
    None,

    /// <summary>It will send no more, but may still read.</summary>
    Sending,

    /// <summary>It is gone.</summary>
    Gone,
}

/// <summary>What carries a connection's bytes. Called on the engine's thread only.</summary>
internal interface ILink
{
    /// <summary>
    /// Sends what <see cref="Connection.Output"/> holds, as far as it goes without waiting.
    /// When a closing connection's output is empty, ends the sending side.
    /// </summary>
    void Flush();

    /// <summary>Reads nothing from the peer until <see cref="ResumeReading"/>; that the peer has gone may still be noticed.</summary>
    void PauseReading();

    /// <summary>Reads again.</summary>
    void ResumeReading();

    /// <summary>Closes at once; <see cref="BrokerEngine"/> is not told.</summary>
    void Abort();
}

/// <summary>
/// A Network Connection as the engine sees it: bytes that arrived, bytes to send, and the Session it serves. Owned by the engine's thread.
/// </summary>
internal sealed class Connection : IPlaced
{
    internal Connection(ILink link, ConnectionOrigin origin, BrokerOptions terms, BufferPool pool, MessagePool messages, Instant now)
    {
        Phase = ConnectionPhase.AwaitingConnect;
        Link = link;
        Origin = origin;
        Terms = terms;
        Output = new OutputBuffer(pool, messages);
        Partial = new PartialPacket(pool);
        Deadline = new Deadline(this);
        Opened = LastHeard = now;
    }

    public ILink Link { get; }

    /// <summary>Where it stands in the list of all of them.</summary>
    public int Place { get; set; }

    /// <summary>When it was opened.</summary>
    public Instant Opened { get; }

    /// <summary>Where it comes from; known in full once it awaits CONNECT.</summary>
    public ConnectionOrigin Origin { get; set; }

    /// <summary>
    /// The options that hold for this connection as long as it is connected, where CONNACK says them: those in force when its CONNECT came.
    /// </summary>
    public BrokerOptions Terms { get; set; }

    public OutputBuffer Output { get; }

    public PartialPacket Partial { get; }

    /// <summary>Its place among those whose packet has not ended; <c>null</c> until it has one for the first time.</summary>
    public LinkedListNode<Connection>? Unfinished { get; set; }

    /// <summary>Its place among those that have not sent CONNECT; <c>null</c>: it has, or never will.</summary>
    public LinkedListNode<Connection>? Pending { get; set; }

    /// <summary>Its address among those whose connections are counted; <c>null</c>: it is not known yet, or not bounded.</summary>
    public ClientAddress? Address { get; set; }

    /// <summary>What its CONNECT is answered because of that.</summary>
    public ArrivalVerdict Verdict { get; set; }

    /// <summary>
    /// When patience ends: for the CONNECT and its authentication, for a sign of life, or for the peer to close;
    /// which of them, the phase says.
    /// </summary>
    public Deadline Deadline { get; }

    public ConnectionPhase Phase { get; set; }

    /// <summary>Whether what arrives on it is looked at.</summary>
    public bool IsOpen => Phase < ConnectionPhase.Closing;

    /// <summary>Whether it stands in the engine's list of connections to flush.</summary>
    public bool IsDirty { get; set; }

    /// <summary>Whether it stands among those that are flushed after the others.</summary>
    public bool IsDeferred { get; set; }

    /// <summary>When the last whole packet came: Keep Alive is about packets, not about bytes [MQTT-3.1.2-22].</summary>
    public Instant LastHeard { get; set; }

    public ProtocolVersion Version { get; set; } = ProtocolVersion.V5;

    public Session? Session { get; set; }

    /// <summary>One and a half times the Keep Alive; zero: none (§3.1.2.10).</summary>
    public TimeSpan Patience { get; set; }

    /// <summary>The client's Receive Maximum, or less where the broker sends no more at once.</summary>
    public ushort ReceiveMaximum { get; set; } = ushort.MaxValue;

    /// <summary>The client's Maximum Packet Size, in bytes.</summary>
    public uint MaximumPacketSize { get; set; } = uint.MaxValue;

    /// <summary>The client's Topic Aliases; <c>null</c> until it uses one [MQTT-3.3.2-7].</summary>
    public IncomingAliases? IncomingAliases { get; set; }

    /// <summary>What of <see cref="IncomingAliases"/> is in what its Session holds, in bytes.</summary>
    public long AliasBytes { get; set; }

    /// <summary>How many Topic Aliases the client may be sent; 0: none [MQTT-3.1.2-26, MQTT-3.1.2-27].</summary>
    public ushort OutgoingAliasMaximum { get; set; }

    /// <summary>Those it has been sent; <c>null</c> until the first message.</summary>
    public OutgoingAliases? OutgoingAliases { get; set; }

    /// <summary>What of <see cref="OutgoingAliases"/> is in what its Session holds, in bytes.</summary>
    public long OutgoingAliasBytes { get; set; }

    /// <summary>Whether its client is a bridge of MQTT 3.1.1.</summary>
    public bool IsBridge { get; set; }

    /// <summary>
    /// Whether the client wants Reason Strings and User Properties on answers other than CONNACK and DISCONNECT (§3.1.2.11.7).
    /// </summary>
    public bool WantsProblemInformation { get; set; } = true;

    /// <summary>What is asked about who its client is; <c>null</c>: nothing is, and nothing will be.</summary>
    public Inquiry? Inquiry { get; set; }

    /// <summary>Who its client has proved to be; <c>null</c>: nobody in particular.</summary>
    public ClientUser? User { get; set; }

    public string? UserName => User?.Name;

    /// <summary>When the proof of that expires; <c>null</c>: it never has.</summary>
    public ProofExpiry? ProofExpiry { get; set; }

    /// <summary>Whether it is left unread because enough has come that may not be done yet.</summary>
    public bool IsHeldUp { get; private set; }

    /// <summary>
    /// What arrives may not be done yet, and is kept: anything but AUTH and DISCONNECT before CONNACK,
    /// which is for who uses no enhanced authentication; what comes behind a packet that the authorizer is asked about;
    /// and everything while a message of its client is on its way to very many.
    /// </summary>
    public bool IsOnHold =>
        IsFanningOut || IsAsking || (Phase == ConnectionPhase.Authenticating && Inquiry is { Method: null });

    /// <summary>Whether the authorizer is asked about the first packet of the input, which comes once more then.</summary>
    public bool IsAsking => Question is { IsAnswered: false };

    /// <summary>Whether it is on hold because a message of its client is on its way to very many.</summary>
    public bool IsFanningOut { get; set; }

    /// <summary>
    /// What the application's authorizer is asked, or has answered, about the first packet of the input; <c>null</c>: nothing.
    /// </summary>
    public AuthorizationQuestion? Question { get; set; }

    /// <summary>What the authorizer has decided for longer than once; <c>null</c>: nothing yet.</summary>
    public RememberedAnswers? Authorized { get; set; }

    /// <summary>Whether the log knows already that the authorizer failed here.</summary>
    public bool IsAuthorizerNoted { get; set; }

    /// <summary>How far the peer, or the network, has ended it while its input was held. That takes effect behind the input.</summary>
    public PeerEnd PeerEnd { get; set; }

    /// <summary>Acknowledgements to its client that the gate holds.</summary>
    public int HeldAcknowledgements { get; set; }

    /// <summary>Whether it is left unread because memory is short.</summary>
    public bool IsPaused { get; private set; }

    /// <summary>Where it stands among those that are left unread because memory is short.</summary>
    public int PausedPlace { get; set; }

    /// <summary>Why it closes or was closed; for the log.</summary>
    public Fault CloseReason { get; set; }

    /// <summary>Whether it ends because of what its client did or failed to do.</summary>
    public bool IsRefused { get; set; }

    /// <summary>Whether its end stands among the <see cref="ConnectionEvents"/>.</summary>
    public bool IsEndNoted { get; set; }

    /// <summary>Whether a message that was refused stands, or has stood, among the <see cref="ConnectionEvents"/>.</summary>
    public bool IsDeniedMessageNoted { get; set; }

    /// <summary>Whether a subscription that was refused stands, or has stood, among them.</summary>
    public bool IsDeniedSubscriptionNoted { get; set; }

    /// <summary>The Client Identifier, once CONNECT has said it; for the log.</summary>
    public string? ClientId { get; set; }

    /// <summary>Bytes that arrived after the last packet was written; bounded.</summary>
    public int Discarded { get; set; }

    /// <summary>The network or the peer ended it, unless it was being closed anyway.</summary>
    /// <param name="reason">How, for the log.</param>
    public void Lose(string reason)
    {
        if (IsOpen)
        {
            CloseReason = new Fault(ReasonCode.UnspecifiedError, reason);
        }
    }

    /// <summary>Leaves it unread until <see cref="EndHold"/>.</summary>
    public void HoldUp()
    {
        if (!IsHeldUp)
        {
            IsHeldUp = true;
            PauseReading(IsPaused);
        }
    }

    /// <summary>What arrives may be done, or thrown away.</summary>
    public void EndHold()
    {
        if (IsHeldUp)
        {
            IsHeldUp = false;
            ResumeReading(IsPaused);
        }
    }

    /// <summary>Leaves it unread until <see cref="Unpause"/>.</summary>
    public void Pause()
    {
        IsPaused = true;
        PauseReading(IsHeldUp);
    }

    /// <summary>There is memory for what it sends.</summary>
    public void Unpause()
    {
        IsPaused = false;
        ResumeReading(IsHeldUp);
    }

    public ConnectionSnapshot TakeSnapshot(Instant now) => new()
    {
        Origin = Origin,
        ClientId = ClientId,
        UserName = UserName,
        ProtocolVersion = ClientId is null ? null : Version,
        IsConnected = Phase == ConnectionPhase.Connected,
        OutputBytes = Output.Backlog,
        OpenFor = now - Opened,
        SilentFor = now - LastHeard,
        KeepAlive = Patience / 1.5,
    };

    /// <summary>Appends a packet to <see cref="Output"/>.</summary>
    /// <returns><c>false</c>: nothing was appended, because the packet is larger than the client takes [MQTT-3.1.2-24].</returns>
    public bool TryWrite(Packet packet)
    {
        var before = Output.Length;
        packet.WriteTo(Output, Version);
        var size = Output.Length - before;
        if ((uint)size <= MaximumPacketSize)
        {
            return true;
        }

        Output.Retract(size);
        return false;
    }

    private void PauseReading(bool isPausedAlready)
    {
        if (!isPausedAlready && Phase != ConnectionPhase.Closed)
        {
            Link.PauseReading();
        }
    }

    /// <param name="hasAnotherReason">Whether it is to be left unread all the same.</param>
    private void ResumeReading(bool hasAnotherReason)
    {
        if (!hasAnotherReason && Phase != ConnectionPhase.Closed)
        {
            Link.ResumeReading();
        }
    }
}
