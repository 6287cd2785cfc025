using Antiphon.Client.Tests.Peers;
using Antiphon.Protocol;

namespace Antiphon.Client.Tests.Stores;

public sealed class FileSessionStoreTests : IDisposable
{
    private readonly TemporaryFile _file = new();

    public void Dispose() => _file.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void What_is_not_over_comes_back_in_order(bool flushToDisk)
    {
        using (var store = new FileSessionStore(_file.Path, flushToDisk))
        {
            Assert.Null(store.Load());
            Fill(store);
        }

        using var again = new FileSessionStore(_file.Path, flushToDisk);
        AssertFilled(again.Load());
        AssertFilled(again.Load());
    }

    [Fact]
    public void The_one_in_memory_does_the_same()
    {
        var store = new MemorySessionStore();
        Assert.Null(store.Load());
        Fill(store);
        AssertFilled(store.Load());
        store.Begin("other", ProtocolVersion.V311);
        AssertEmpty(store.Load(), "other", ProtocolVersion.V311);
        store.Clear();
        Assert.Null(store.Load());
    }

    [Fact]
    public void Beginning_forgets_and_clearing_leaves_nothing()
    {
        using (var store = new FileSessionStore(_file.Path))
        {
            Fill(store);
            store.Begin("ü", ProtocolVersion.V311);
        }

        using (var store = new FileSessionStore(_file.Path))
        {
            AssertEmpty(store.Load(), "ü", ProtocolVersion.V311);
            store.Clear();
        }

        using var empty = new FileSessionStore(_file.Path);
        Assert.Null(empty.Load());
    }

    [Fact]
    public void A_record_that_was_being_written_counts_as_not_there_wherever_it_was_cut()
    {
        using (var store = new FileSessionStore(_file.Path))
        {
            store.Begin("c", ProtocolVersion.V5);
            store.AddPublish(new PacketIdentifier(1), "first"u8);
        }

        var whole = File.ReadAllBytes(_file.Path);
        using (var store = new FileSessionStore(_file.Path))
        {
            store.Load();
            store.AddPublish(new PacketIdentifier(2), "second"u8);
        }

        var longer = File.ReadAllBytes(_file.Path);
        for (var length = whole.Length; length < longer.Length; length++)
        {
            AssertFirstAlone(longer[..length]);

            // The length of the file may have been written before its content.
            AssertFirstAlone([.. longer[..length], .. new byte[longer.Length - length]]);
        }
    }

    [Fact]
    public void A_second_program_cannot_have_it()
    {
        using var store = new FileSessionStore(_file.Path);

        Assert.ThrowsAny<IOException>(() => new FileSessionStore(_file.Path));
    }

    [Fact]
    public void It_does_not_grow_with_what_is_over()
    {
        var packet = new byte[1000];
        using (var store = new FileSessionStore(_file.Path))
        {
            store.Begin("c", ProtocolVersion.V5);
            store.AddPublish(new PacketIdentifier(60_000), "old"u8);
            store.AddPublish(new PacketIdentifier(60_001), "released"u8);
            store.ReleasePublish(new PacketIdentifier(60_001));
            store.AddReceived(new PacketIdentifier(7));
            for (var i = 1; i <= 5_000; i++)
            {
                store.AddPublish(new PacketIdentifier((ushort)i), packet);
                store.RemovePublish(new PacketIdentifier((ushort)i));
                Assert.InRange(new FileInfo(_file.Path).Length, 1, 300_000);
            }

            store.AddPublish(new PacketIdentifier(3), "new"u8);
            Assert.ThrowsAny<IOException>(() => new FileSessionStore(_file.Path));
        }

        using var again = new FileSessionStore(_file.Path);
        var session = again.Load()!;
        Assert.Equal([60_000, 3], session.Publishes.Select(publish => (int)publish.Identifier.Value));
        Assert.Equal("old"u8, session.Publishes[0].Packet.Span);
        Assert.Equal("new"u8, session.Publishes[1].Packet.Span);
        Assert.Equal([new PacketIdentifier(60_001)], session.Released);
        Assert.Equal([new PacketIdentifier(7)], session.Received);
        Assert.False(File.Exists(_file.Path + ".new"));
    }

    [Fact]
    public void A_record_of_a_later_version_is_not_passed_over()
    {
        using (var store = new FileSessionStore(_file.Path))
        {
            store.Begin("c", ProtocolVersion.V5);
        }

        using (var file = File.OpenWrite(_file.Path))
        {
            var record = new byte[Client.Stores.StoreRecord.SizeOf(0)];
            Client.Stores.StoreRecord.Write(record, (Client.Stores.RecordKind)99, PacketIdentifier.None, []);
            file.Seek(0, SeekOrigin.End);
            file.Write(record);
        }

        using var again = new FileSessionStore(_file.Path);
        Assert.Contains("99", Assert.Throws<InvalidDataException>(() => again.Load()).Message, StringComparison.Ordinal);
    }

    private static void Fill(ISessionStore store)
    {
        store.Begin("c", ProtocolVersion.V5);
        for (var i = 1; i <= 6; i++)
        {
            store.AddPublish(new PacketIdentifier((ushort)i), Bytes.Of($"34 06 0001 'a' 000{i} 00"));
        }

        store.ReleasePublish(new PacketIdentifier(4));
        store.ReleasePublish(new PacketIdentifier(2));
        store.ReleasePublish(new PacketIdentifier(6));
        store.RemovePublish(new PacketIdentifier(6));
        store.RemovePublish(new PacketIdentifier(1));
        store.AddPublish(new PacketIdentifier(1), Bytes.Of("32 06 0001 'b' 0001 00"));
        store.AddReceived(new PacketIdentifier(9));
        store.AddReceived(new PacketIdentifier(8));
        store.AddReceived(new PacketIdentifier(9));
        store.RemoveReceived(new PacketIdentifier(8));
    }

    private static void AssertFilled(StoredSession? session)
    {
        Assert.Equal(("c", ProtocolVersion.V5), (session!.ClientId, session.ProtocolVersion));
        Assert.Equal([3, 5, 1], session.Publishes.Select(publish => (int)publish.Identifier.Value));
        Assert.Equal(Bytes.Of("32 06 0001 'b' 0001 00"), session.Publishes[2].Packet.ToArray());
        Assert.Equal([new PacketIdentifier(4), new PacketIdentifier(2)], session.Released);
        Assert.Equal([new PacketIdentifier(9)], session.Received);
    }

    private static void AssertEmpty(StoredSession? session, string clientId, ProtocolVersion version)
    {
        Assert.Equal((clientId, version), (session!.ClientId, session.ProtocolVersion));
        Assert.Empty(session.Publishes);
        Assert.Empty(session.Released);
        Assert.Empty(session.Received);
    }

    private static void AssertFirstAlone(byte[] content)
    {
        using var file = new TemporaryFile();
        File.WriteAllBytes(file.Path, content);
        using (var store = new FileSessionStore(file.Path))
        {
            Assert.Equal("first"u8, Assert.Single(store.Load()!.Publishes).Packet.Span);
            store.AddPublish(new PacketIdentifier(3), "third"u8);
        }

        using var again = new FileSessionStore(file.Path);
        Assert.Equal([1, 3], again.Load()!.Publishes.Select(publish => (int)publish.Identifier.Value));
    }
}
