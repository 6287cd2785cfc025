namespace Antiphon.Bench.Load;

/// <summary>What a connection of the load generator is for.</summary>
internal enum Role
{
    Requester,
    Responder,
    Publisher,
    Subscriber,

    /// <summary>Connects and subscribes, no more.</summary>
    Bystander,
}

/// <summary>One connection of the load generator, and what it says.</summary>
internal sealed unsafe class LoadConnection(int index, Role role)
{
    /// <summary>Bytes that came without the end of their packet.</summary>
    public NativeBuffer Partial;

    public NativeBuffer Output;

    /// <summary>Packets that wait for room in the broker's Receive Maximum.</summary>
    public NativeBuffer Held;

    /// <summary>The packet that this connection publishes again and again.</summary>
    public byte* Template;

    public int Index => index;

    public Role Role => role;

    public int Fd { get; set; } = -1;

    public bool IsReady { get; set; }

    public bool IsDirty { get; set; }

    public bool WaitsForRoom { get; set; }

    /// <summary>What it subscribes to once connected; <c>null</c>: nothing.</summary>
    public string? Filter { get; set; }

    /// <summary>Where it publishes.</summary>
    public string Topic { get; set; } = "";

    /// <summary>Where a requester wants its answers.</summary>
    public string ResponseTopic { get; set; } = "";

    /// <summary>Whether it asks the broker for a response topic of its own, and uses it.</summary>
    public bool AsksForResponseTopic { get; set; }

    /// <summary>For the relay: the number of the first connection that gets what this one sends, and how many do.</summary>
    public int Target { get; set; }

    public int TargetCount { get; set; } = 1;

    /// <summary>For the relay: where the turn begins when a share group's members are served in turn.</summary>
    public int GroupSize { get; set; }

    public int TemplateLength { get; set; }

    /// <summary>Where in <see cref="Template"/> the Packet Identifier stands.</summary>
    public int IdentifierOffset { get; set; }

    /// <summary>
    /// Where in <see cref="Template"/> the 16 bytes stand that tell one message from another.
    /// They are the Correlation Data, or the payload's first bytes.
    /// </summary>
    public int MarkOffset { get; set; }

    public ushort LastIdentifier { get; set; }

    public int Unacknowledged { get; set; }

    public int ReceiveMaximum { get; set; } = ushort.MaxValue;

    public long Sequence { get; set; }

    public ushort NextIdentifier()
    {
        LastIdentifier = LastIdentifier == ushort.MaxValue ? (ushort)1 : (ushort)(LastIdentifier + 1);
        return LastIdentifier;
    }

    /// <summary>Forgets the network connection that has ended.</summary>
    public void Reset()
    {
        Partial.Consume(Partial.Length);
        Output.Consume(Output.Length);
        Held.Consume(Held.Length);
        Unacknowledged = 0;
        IsReady = false;
        WaitsForRoom = false;
        Fd = -1;
    }
}
