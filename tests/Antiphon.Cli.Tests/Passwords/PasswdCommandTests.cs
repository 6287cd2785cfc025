using Antiphon.Cli.Passwords;
using Antiphon.Client;
using Antiphon.Protocol;
using Antiphon.Tests.Running;

namespace Antiphon.Cli.Tests.Passwords;

public sealed class PasswdCommandTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("antiphon-passwd-");

    private string Users => Path.Combine(_folder.FullName, "users");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task Users_of_the_file_are_let_in_and_nobody_else()
    {
        Assert.Equal("User «ann» is added.\n", await PasswdAsync("secret", "ann"));
        Assert.Equal("User «bob» is added.\n", await PasswdAsync("other\r\n", "bob"));
        Assert.DoesNotContain(
            "secret", await File.ReadAllTextAsync(Users, TestContext.Current.CancellationToken), StringComparison.Ordinal);
        await using var broker = Running.Cli.Start("broker", "--port", "0", "--bind", "0.0.0.0", "--password-file", Users);
        var port = int.Parse((await broker.OutputLineAsync("listening")).Split(':')[^1], System.Globalization.CultureInfo.InvariantCulture);

        await ConnectAsync(port, "ann", "secret");
        await ConnectAsync(port, "bob", "other");
        Assert.Equal(ReasonCode.BadUserNameOrPassword, await RefusalAsync(port, "ann", "other"));
        Assert.Equal(ReasonCode.BadUserNameOrPassword, await RefusalAsync(port, "eve", "secret"));
        Assert.Equal(ReasonCode.NotAuthorized, await RefusalAsync(port, null, null));
    }

    [Fact]
    public async Task With_allow_anonymous_who_gives_no_name_is_let_in_and_a_wrong_password_is_not()
    {
        await PasswdAsync("secret", "ann");
        await using var broker = Running.Cli.Start("broker", "--port", "0", "--password-file", Users, "--allow-anonymous");
        var port = int.Parse((await broker.OutputLineAsync("listening")).Split(':')[^1], System.Globalization.CultureInfo.InvariantCulture);

        await ConnectAsync(port, null, null);
        Assert.Equal(ReasonCode.BadUserNameOrPassword, await RefusalAsync(port, "ann", "other"));
    }

    [Fact]
    public async Task A_password_is_changed_and_a_user_deleted()
    {
        await PasswdAsync("secret", "ann");
        await PasswdAsync("other", "bob");
        var before = await File.ReadAllLinesAsync(Users, TestContext.Current.CancellationToken);

        Assert.Equal("The password of user «ann» is changed.\n", await PasswdAsync("new", "ann"));
        var after = await File.ReadAllLinesAsync(Users, TestContext.Current.CancellationToken);
        Assert.Equal(2, after.Length);
        Assert.NotEqual(before[0], after[0]);
        Assert.Equal(before[1], after[1]);

        var deleted = await Running.Cli.RunAsync("passwd", Users, "ann", "-D");
        Assert.Equal((0, "User «ann» is deleted.\n"), (deleted.ExitCode, deleted.Errors));
        Assert.Equal([before[1]], await File.ReadAllLinesAsync(Users, TestContext.Current.CancellationToken));
        Assert.Equal(2, (await Running.Cli.RunAsync("passwd", Users, "ann", "-D")).ExitCode);
    }

    [Fact]
    public async Task The_names_of_the_users_are_listed_and_which_cannot_use_SCRAM()
    {
        await PasswdAsync("secret", "bob");
        await PasswdAsync("secret", "ann");
        Assert.Equal((0, "ann\nbob\n", ""), await ListAsync());

        // Made by mosquitto_passwd from the password «geheim ä».
        const string Old = "PLAIN-SHA-512$lxK6W854mVTu/CHz$"
            + "NpuUKZvbTJ1wjrNQoeZCzcKvsXB6NKafJ5fkOgjG+reByatI+JnRb10tTD8/Qn8ouNhMIz4y2AWHnsOyDd/bvA==";
        await File.AppendAllTextAsync(Users, $"cat:{Old}\n", TestContext.Current.CancellationToken);
        Assert.Equal((0, "ann\nbob\ncat\n", "With a plain password only, and not by SCRAM: cat.\n"), await ListAsync());

        // A new password makes one of the others of it.
        await PasswdAsync("secret", "cat");
        Assert.Equal((0, "ann\nbob\ncat\n", ""), await ListAsync());

        async Task<(int, string, string)> ListAsync()
        {
            var end = await Running.Cli.RunAsync("passwd", Users, "--list");
            return (end.ExitCode, end.Output, end.Errors);
        }
    }

    [Fact]
    public async Task Only_the_owner_may_read_a_new_file_and_nothing_is_left_beside_it()
    {
        if (OperatingSystem.IsWindows())
        {
            Assert.Skip("Windows has no file modes.");
            return;
        }

        await PasswdAsync("secret", "ann");

        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Users));
        Assert.Single(_folder.GetFiles());
    }

    [Fact]
    public async Task The_mode_of_the_file_stays()
    {
        if (OperatingSystem.IsWindows())
        {
            Assert.Skip("Windows has no file modes.");
            return;
        }

        const UnixFileMode Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead;
        await File.WriteAllTextAsync(Users, "", TestContext.Current.CancellationToken);
        File.SetUnixFileMode(Users, Mode);

        await PasswdAsync("secret", "ann");

        Assert.Equal(Mode, File.GetUnixFileMode(Users));
        Assert.Single(_folder.GetFiles());
    }

    [Fact]
    public async Task The_owner_of_the_file_stays()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && Environment.UserName == "root", "Only root may give files away.");
        await File.WriteAllTextAsync(Users, "", TestContext.Current.CancellationToken);
        await using (var chown = ProgramRun.Start("/bin/sh", ["-c", $"chown 4711:4712 '{Users}'"]))
        {
            Assert.Equal(0, (await chown.EndAsync()).ExitCode);
        }

        await PasswdAsync("secret", "ann");

        await using var stat = ProgramRun.Start("/bin/sh", ["-c", $"stat -c '%u:%g' '{Users}'; wc -l < '{Users}'"]);
        Assert.Equal("4711:4712\n1\n", (await stat.EndAsync()).Output);
    }

    [Fact]
    public async Task A_symbolic_link_stays_and_what_it_points_to_is_changed()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows lets few users make links.");
        var elsewhere = _folder.CreateSubdirectory("elsewhere");
        var file = Path.Combine(elsewhere.FullName, "users");
        await File.WriteAllTextAsync(file, "", TestContext.Current.CancellationToken);
        File.CreateSymbolicLink(Users, Path.Combine("elsewhere", "users"));

        await PasswdAsync("secret", "ann");

        Assert.Equal(Path.Combine("elsewhere", "users"), new FileInfo(Users).LinkTarget);
        Assert.StartsWith("ann:", await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken), StringComparison.Ordinal);
        Assert.Single(elsewhere.GetFiles());
    }

    [Fact]
    public async Task Eight_at_once_keep_all_eight_users()
    {
        string[] names = ["ann", "bob", "cat", "dan", "eve", "fay", "gus", "hal"];

        await Task.WhenAll(names.Select(name => PasswdAsync("secret", name)));

        var lines = await File.ReadAllLinesAsync(Users, TestContext.Current.CancellationToken);
        Assert.Equal(names, lines.Select(line => line.Split(':')[0]));
        Assert.Single(_folder.GetFiles());
    }

    [Fact]
    public async Task A_file_that_cannot_be_replaced_stays_and_nothing_is_left_beside_it()
    {
        Directory.CreateDirectory(Path.Combine(Users, "in the way"));

        var refused = await Assert.ThrowsAsync<IOException>(
            () => PasswordFile.ChangeAsync(
                new FileInfo(Users), users => users, TimeProvider.System, TestContext.Current.CancellationToken));

        Assert.Contains("stays as it was", refused.Message, StringComparison.Ordinal);
        Assert.Equal([Users], Directory.GetFileSystemEntries(_folder.FullName));
    }

    [Fact]
    public async Task The_environment_may_hold_the_password()
    {
        await using var run = ProgramRun.StartBuilt(
            "antiphon", ["passwd", Users, "ann"], environment: new Dictionary<string, string> { ["ANTIPHON_PASSWORD"] = "secret" });

        Assert.Equal(0, (await run.EndAsync()).ExitCode);
        Assert.StartsWith(
            "ann:SCRAM-SHA-256$", await File.ReadAllTextAsync(Users, TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_of_another_kind_is_refused_by_line_and_left_as_it_is()
    {
        await File.WriteAllTextAsync(Users, "ann:$7$101$abc\n", TestContext.Current.CancellationToken);

        string[][] commands =
        [
            ["broker", "--port", "0", "--password-file", Users],
            ["passwd", Users, "bob", "--password-from-stdin"],
        ];
        foreach (var command in commands)
        {
            var end = await Running.Cli.RunAsync(command);
            Assert.Equal(2, end.ExitCode);
            Assert.Contains("Line 1", end.Errors, StringComparison.Ordinal);
            Assert.DoesNotContain("abc", end.Errors, StringComparison.Ordinal);
        }

        Assert.Equal("ann:$7$101$abc\n", await File.ReadAllTextAsync(Users, TestContext.Current.CancellationToken));
    }

    private async Task<string> PasswdAsync(string password, string user)
    {
        await using var run = ProgramRun.StartBuilt("antiphon", ["passwd", Users, user, "--password-from-stdin"], password);
        var end = await run.EndAsync();
        Assert.Equal((0, ""), (end.ExitCode, end.Output));
        return end.Errors;
    }

    private static async Task ConnectAsync(int port, string? user, string? password)
    {
        await using var client = await MqttClient.ConnectAsync(Options(port, user, password), TestContext.Current.CancellationToken);
        Assert.Equal(ConnectionState.Connected, client.State);
    }

    private static async Task<ReasonCode?> RefusalAsync(int port, string? user, string? password) =>
        (await Assert.ThrowsAnyAsync<ConnectionException>(() => ConnectAsync(port, user, password))).ReasonCode;

    private static MqttClientOptions Options(int port, string? user, string? password) => new()
    {
        Host = "127.0.0.1",
        Port = port,
        UserName = user,
        Password = password is null ? (ReadOnlyMemory<byte>?)null : System.Text.Encoding.UTF8.GetBytes(password),
    };
}
