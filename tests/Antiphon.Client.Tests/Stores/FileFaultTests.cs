using System.Diagnostics;
using Antiphon.Client.Stores;
using Antiphon.Protocol;

namespace Antiphon.Client.Tests.Stores;

/// <summary>
/// What a <see cref="FileSessionStore"/> does in three cases: the program ends in the middle of a rewrite, the disk is full,
/// or it is given something that is no store.
/// </summary>
public sealed class FileFaultTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("antiphon-store-");

    private string Store => Path.Combine(_folder.FullName, "session");

    private string New => Store + ".new";

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void A_rewrite_that_was_cut_anywhere_before_the_new_file_took_its_place_changes_nothing()
    {
        Filled(Store).Dispose();
        var before = File.ReadAllBytes(Store);

        // What a rewrite leaves of it.
        using (var store = new FileSessionStore(New))
        {
            store.Begin("c", ProtocolVersion.V5);
            store.AddPublish(new PacketIdentifier(1), "first"u8);
            store.ReleasePublish(new PacketIdentifier(2));
            store.AddReceived(new PacketIdentifier(7));
        }

        var rewritten = File.ReadAllBytes(New);
        Assert.InRange(rewritten.Length, 40, before.Length - 1);
        for (var cut = 0; cut <= rewritten.Length; cut++)
        {
            File.WriteAllBytes(Store, before);
            File.WriteAllBytes(New, rewritten[..cut]);
            using var store = new FileSessionStore(Store);
            AssertFilled(store.Load()!);
            if (cut % 20 == 0)
            {
                // The next rewrite is not in the way of the one that was cut.
                Overfill(store);
                Assert.False(File.Exists(New));
                AssertFilled(store.Load()!);
            }
        }
    }

    [Fact]
    public void A_rewrite_that_took_the_place_is_whole()
    {
        using (var store = Filled(Store))
        {
            Overfill(store);
        }

        using var again = new FileSessionStore(Store);
        AssertFilled(again.Load()!);
    }

    [Fact]
    public void A_rewrite_that_fails_is_not_tried_again_at_every_record()
    {
        using var store = Filled(Store);
        Directory.CreateDirectory(New);
        var failures = 0;
        for (var i = 0; i < 1_000; i++)
        {
            store.AddPublish(new PacketIdentifier(9), new byte[1_000]);
            try
            {
                store.RemovePublish(new PacketIdentifier(9));
            }
            catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
            {
                failures++;
            }
        }

        // At 256 KiB, at 512 KiB: it doubles.
        Assert.Equal(2, failures);
        AssertFilled(store.Load()!);
        Directory.Delete(New);
        Overfill(store);
        Assert.InRange(new FileInfo(Store).Length, 1, 300_000);
        AssertFilled(store.Load()!);
    }

    [Theory]
    [InlineData("These are the notes of somebody who mistook one path for another.\n")]
    [InlineData("{}\n")]
    [InlineData("x")]
    public void A_file_that_is_no_store_is_left_as_it_is(string content)
    {
        File.WriteAllText(Store, content);

        using (var store = new FileSessionStore(Store))
        {
            Assert.Contains(Store, Assert.Throws<InvalidDataException>(() => store.Load()).Message, StringComparison.Ordinal);
        }

        Assert.Equal(content, File.ReadAllText(Store));
    }

    [Fact]
    public void A_beginning_that_was_cut_is_an_empty_store()
    {
        using (var store = new FileSessionStore(Store))
        {
            store.Begin("client", ProtocolVersion.V5);
        }

        var whole = File.ReadAllBytes(Store);
        for (var cut = 0; cut < whole.Length; cut++)
        {
            foreach (var content in (byte[][])[whole[..cut], [.. whole[..cut], .. new byte[whole.Length - cut]]])
            {
                File.WriteAllBytes(Store, content);
                using var store = new FileSessionStore(Store);
                Assert.Null(store.Load());
            }
        }
    }

    [Fact]
    public void A_second_program_is_told_that_the_first_has_the_file()
    {
        using var store = new FileSessionStore(Store);

        var message = Assert.ThrowsAny<IOException>(() => new FileSessionStore(Store)).Message;
        Assert.Contains(Store, message, StringComparison.Ordinal);
        Assert.Contains("another process", message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_record_that_a_full_disk_cut_leaves_no_trace()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && Environment.IsPrivilegedProcess, "Only root on Linux can make a small disk.");
        var disk = _folder.CreateSubdirectory("disk").FullName;
        Assert.SkipUnless(await RunAsync("mount", "-t", "tmpfs", "-o", "size=64k", "antiphon-test", disk), "This process may not mount.");
        try
        {
            var path = Path.Combine(disk, "session");
            using (var store = Filled(path))
            {
                store.AddPublish(new PacketIdentifier(3), "kept"u8);
                Assert.ThrowsAny<IOException>(() => store.AddPublish(new PacketIdentifier(4), Nested(100_000)));
                var length = new FileInfo(path).Length;

                // If a short record came in its place, what was left of the long one would stand behind it.
                store.AddReceived(new PacketIdentifier(8));
                Assert.Equal(length + StoreRecord.SizeOf(0), new FileInfo(path).Length);
                store.RemovePublish(new PacketIdentifier(3));
            }

            using var again = new FileSessionStore(path);
            var session = again.Load()!;
            Assert.Equal([new PacketIdentifier(1)], session.Publishes.Select(publish => publish.Identifier));
            Assert.Equal([new PacketIdentifier(7), new PacketIdentifier(8)], session.Received);
        }
        finally
        {
            Assert.True(await RunAsync("umount", disk));
        }
    }

    /// <summary>A payload that is made of records.</summary>
    private static byte[] Nested(int length)
    {
        var record = new byte[StoreRecord.SizeOf(0)];
        StoreRecord.Write(record, RecordKind.Received, new PacketIdentifier(66), []);
        return [.. Enumerable.Repeat(record, length / record.Length).SelectMany(bytes => bytes)];
    }

    private static FileSessionStore Filled(string path)
    {
        var store = new FileSessionStore(path);
        store.Load();
        store.Begin("c", ProtocolVersion.V5);
        store.AddPublish(new PacketIdentifier(1), "first"u8);
        store.AddPublish(new PacketIdentifier(2), "second"u8);
        store.ReleasePublish(new PacketIdentifier(2));
        store.AddReceived(new PacketIdentifier(7));
        return store;
    }

    /// <summary>Adds and removes until the file has been rewritten.</summary>
    private static void Overfill(FileSessionStore store)
    {
        for (var i = 0; i < 4; i++)
        {
            store.AddPublish(new PacketIdentifier(9), new byte[100_000]);
            store.RemovePublish(new PacketIdentifier(9));
        }
    }

    private static void AssertFilled(StoredSession session)
    {
        Assert.Equal("c", session.ClientId);
        Assert.Equal("first"u8, Assert.Single(session.Publishes).Packet.Span);
        Assert.Equal([new PacketIdentifier(2)], session.Released);
        Assert.Equal([new PacketIdentifier(7)], session.Received);
    }

    private static async Task<bool> RunAsync(string program, params string[] arguments)
    {
        using var process = Process.Start(program, arguments);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return process.ExitCode == 0;
    }
}
