using System.Globalization;
using System.Text;
using Antiphon.Protocol;

namespace Antiphon.Client.Restarting;

/// <summary>
/// Prints what a store is asked, before and after it does so, and stops the whole program at one of these lines.
/// It is called under the client's lock; where it stops, it keeps that lock.
/// </summary>
internal sealed class TellingStore(ISessionStore store, string? stopAt) : ISessionStore
{
    // Nobody sets it. A program whose test has died without killing it ends all the same.
    private static readonly ManualResetEvent Never = new(false);
    private static readonly TimeSpan Forgotten = TimeSpan.FromMinutes(2);

    private readonly Dictionary<PacketIdentifier, string> _numbers = [];

    /// <summary>The last number that was in the store at the beginning; 0: none.</summary>
    public int LastKept { get; private set; }

    public StoredSession? Load()
    {
        var session = store.Load();
        foreach (var publish in session?.Publishes ?? [])
        {
            _numbers[publish.Identifier] = NumberIn(publish.Packet.Span);
            Tell("kept", publish.Identifier);
            LastKept = Math.Max(LastKept, int.Parse(_numbers[publish.Identifier], CultureInfo.InvariantCulture));
        }

        return session;
    }

    public void Begin(string clientId, ProtocolVersion version) => store.Begin(clientId, version);

    public void Clear() => store.Clear();

    public void AddPublish(PacketIdentifier identifier, ReadOnlySpan<byte> packet)
    {
        _numbers[identifier] = NumberIn(packet);
        Tell("storing", identifier);
        store.AddPublish(identifier, packet);
        Tell("stored", identifier);
    }

    public void ReleasePublish(PacketIdentifier identifier)
    {
        Tell("releasing", identifier);
        store.ReleasePublish(identifier);
        Tell("released", identifier);
    }

    public void RemovePublish(PacketIdentifier identifier)
    {
        Tell("removing", identifier);
        store.RemovePublish(identifier);
        Tell("removed", identifier);
    }

    public void AddReceived(PacketIdentifier identifier) => store.AddReceived(identifier);

    public void RemoveReceived(PacketIdentifier identifier) => store.RemoveReceived(identifier);

    /// <summary>The payload, which ends the packet.</summary>
    private static string NumberIn(ReadOnlySpan<byte> packet) => Encoding.ASCII.GetString(packet[^4..]);

    private void Tell(string step, PacketIdentifier identifier)
    {
        // Of a message that an earlier run has released only the identifier is left.
        var line = $"{step} {_numbers.GetValueOrDefault(identifier, "unknown")}";
        Console.WriteLine(line);
        if (line == stopAt)
        {
            Never.WaitOne(Forgotten);
            Environment.Exit(1);
        }
    }
}
