using System.Diagnostics;
using System.Runtime.Versioning;
using Antiphon.Protocol;

namespace Antiphon.Client.Tests.Stores;

/// <summary>
/// What a <see cref="FileSessionStore"/> keeps of a file that it rewrites:
/// mode, owner, the links that lead to it, its lock.
/// </summary>
[SupportedOSPlatform("linux")]
public sealed class FileAttributesTests : IDisposable
{
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("antiphon-store-");

    public FileAttributesTests() => Assert.SkipUnless(OperatingSystem.IsLinux(), "Modes, owners and links are as on Linux.");

    private string Store => Path.Combine(_folder.FullName, "session");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void A_file_that_is_made_is_its_owners_alone()
    {
        using var store = new FileSessionStore(Store);

        Assert.Equal(Private, File.GetUnixFileMode(Store));
    }

    [Theory]
    [InlineData(Private | UnixFileMode.GroupRead)]
    [InlineData(Private | UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.OtherRead)]
    public void The_mode_stays(UnixFileMode mode)
    {
        using var store = Begin(Store);
        File.SetUnixFileMode(Store, mode);

        Rewrite(store);

        Assert.Equal(mode, File.GetUnixFileMode(Store));
    }

    [Fact]
    public async Task The_owner_and_the_group_stay()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "Only root can give a file to somebody else.");
        using var store = Begin(Store);
        await RunAsync("chown", "12345:23456", Store);

        Rewrite(store);

        Assert.Equal("12345:23456", (await RunAsync("stat", "-c", "%u:%g", Store)).Trim());
    }

    [Fact]
    public void Symbolic_links_stay_and_lead_to_the_file()
    {
        var other = _folder.CreateSubdirectory("other").FullName;
        var target = Path.Combine(other, "real");
        var middle = Path.Combine(_folder.FullName, "middle");
        File.CreateSymbolicLink(middle, target);
        File.CreateSymbolicLink(Store, "middle");
        using (var store = Begin(Store))
        {
            Rewrite(store);
            Assert.ThrowsAny<IOException>(() => new FileSessionStore(target));
        }

        Assert.Equal("middle", new FileInfo(Store).LinkTarget);
        Assert.Equal(target, new FileInfo(middle).LinkTarget);
        Assert.Null(new FileInfo(target).LinkTarget);
        Assert.Equal(["real"], Directory.GetFiles(other).Select(Path.GetFileName));
        using var again = new FileSessionStore(target);
        Assert.Equal("c", again.Load()!.ClientId);
    }

    [Fact]
    public void A_link_in_the_place_of_the_new_file_is_not_followed()
    {
        var victim = Path.Combine(_folder.FullName, "victim");
        File.WriteAllText(victim, "mine");
        using var store = Begin(Store);
        File.CreateSymbolicLink(Store + ".new", victim);

        Rewrite(store);

        Assert.Equal("mine", File.ReadAllText(victim));
        Assert.Null(new FileInfo(Store).LinkTarget);
    }

    [Fact]
    public async Task Of_many_programs_one_has_the_file_while_it_is_rewritten_again_and_again()
    {
        using var store = Begin(Store);
        using var over = new CancellationTokenSource();
        using var tried = new CountdownEvent(2);
        var others = Enumerable.Range(0, 2).Select(_ => Task.Run(() =>
        {
            var tries = 0;
            for (; !over.IsCancellationRequested; tries++)
            {
                var sentence = Assert.ThrowsAny<IOException>(() => new FileSessionStore(Store)).Message;
                Assert.Contains("Two programs cannot share a store", sentence, StringComparison.Ordinal);
                if (tries == 0)
                {
                    tried.Signal();
                }
            }

            return tries;
        }, TestContext.Current.CancellationToken)).ToArray();
        for (var i = 0; i < 30 || !(tried.IsSet || others.Any(other => other.IsCompleted)); i++)
        {
            Rewrite(store);
        }

        await over.CancelAsync();
        Assert.All(await Task.WhenAll(others), tries => Assert.InRange(tries, 1, int.MaxValue));
    }

    private static FileSessionStore Begin(string path)
    {
        var store = new FileSessionStore(path);
        store.Load();
        store.Begin("c", ProtocolVersion.V5);
        return store;
    }

    /// <summary>Adds and removes until the file has been rewritten.</summary>
    private static void Rewrite(FileSessionStore store)
    {
        for (var i = 0; i < 4; i++)
        {
            store.AddPublish(new PacketIdentifier(9), new byte[100_000]);
            store.RemovePublish(new PacketIdentifier(9));
        }
    }

    private static async Task<string> RunAsync(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true };
        using var process = Process.Start(start)!;
        var output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.Equal(0, process.ExitCode);
        return output;
    }
}
