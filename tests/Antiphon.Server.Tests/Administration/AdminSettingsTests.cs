using System.Net;
using Antiphon.Server.Configuration;
using Antiphon.Server.Tests.Peers;

namespace Antiphon.Server.Tests.Administration;

public sealed class AdminSettingsTests : IDisposable
{
    private readonly CertificateFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("""{ "admin": { "url": "http://127.0.0.1:8081" } }""", "1:12: error: «admin.tokenFile» is missing.")]
    [InlineData(
        """{ "admin": { "url": "ftp://127.0.0.1", "tokenFile": "t" } }""",
        "1:21: error: «admin.url»: «ftp://127.0.0.1» is not an address of HTTP; *")]
    [InlineData(
        """{ "admin": { "url": "http://host:1", "tokenFile": "t" } }""",
        "1:21: error: «admin.url»: «host» in «http://host:1» is not an IP address *")]
    [InlineData(
        """{ "admin": { "url": "http://127.0.0.1/x", "tokenFile": "t" } }""",
        "1:21: error: «admin.url»: «http://127.0.0.1/x» has more than *")]
    [InlineData(
        """{ "admin": { "url": "http://0.0.0.0:8081", "tokenFile": "t" } }""",
        "1:21: error: The admin endpoint is bound to 0.0.0.0, *")]
    [InlineData("""{ "admin": { "url": "https://127.0.0.1", "tokenFile": "t" } }""", "1:21: error: «admin.certificate» is missing: *")]
    [InlineData(
        """{ "admin": { "url": "http://127.0.0.1", "tokenFile": "short" } }""",
        "1:54: error: The first line of the token file «…/short» *")]
    [InlineData(
        """{ "admin": { "url": "http://127.0.0.1", "tokenFile": "t", "key": "k" } }""",
        "1:59: error: «admin.key» is for https:// only; *")]
    [InlineData(
        """{ "admin": { "url": "https://127.0.0.1", "tokenFile": "t", "certificate": "missing.pem" } }""",
        "1:75: error: The file «…/missing.pem» cannot be read: *")]
    [InlineData("""{ "audit": { } }""", "1:12: error: «audit.file» is missing.")]
    [InlineData("""{ "audit": { "file": "missing/a.jsonl" } }""", "1:22: error: The folder of «…/missing/a.jsonl» is not there; *")]
    [InlineData("""{ "audit": { "file": "a", "topics": [] } }""", "1:37: error: «audit.topics» is empty, *")]
    [InlineData("""{ "audit": { "file": "a", "topics": ["a#"] } }""", "1:38: error: «audit.topics[0]»: *")]
    [InlineData(
        """{ "audit": { "file": "a", "topics": ["$share/g/a"] } }""",
        "1:38: error: «audit.topics[0]» is the text «$share/g/a»; it has to be a Topic Filter *")]
    [InlineData(
        """{ "audit": { "file": "a", "maximumBytes": 1, "keep": 1001 } }""",
        "1:43: error: «audit.maximumBytes» is 1; *",
        "1:54: error: «audit.keep» is 1001; *")]
    public void Every_mistake_is_told_with_its_place(string json, params string[] expected)
    {
        _folder.Write("short", "short");

        var reading = Read(json);

        var told = reading.Mistakes.Select(mistake => mistake.ToString()
            .Replace($"{_folder.PathOf("antiphon.json")}:", "", StringComparison.Ordinal)
            .Replace(_folder.PathOf(""), "…", StringComparison.Ordinal)).ToArray();
        Assert.Equal(expected.Length, told.Length);
        Assert.All(expected.Zip(told), pair =>
        {
            if (pair.First.EndsWith('*'))
            {
                Assert.StartsWith(pair.First[..^1], pair.Second, StringComparison.Ordinal);
            }
            else
            {
                Assert.Equal(pair.First, pair.Second);
            }
        });
        Assert.Null(reading.Options);
    }

    [Fact]
    public void What_is_written_becomes_the_options()
    {
        _folder.Issue("server");
        var reading = Read(
            """
            { "admin": { "url": "https://0.0.0.0:8443", "tokenFile": "admin.token", "certificate": "server.pem", "key": "server.key" },
              "audit": { "file": "audit.jsonl", "topics": [ "devices/#", "$x/+" ], "payloads": true, "maximumBytes": 65536, "keep": 2 } }
            """);

        Assert.Empty(reading.Mistakes);
        Assert.Equal(
            new AdminOptions
            {
                Bind = IPAddress.Any,
                Port = 8443,
                TokenFile = _folder.PathOf("admin.token"),
                Certificate = new CertificateFiles { Certificate = _folder.PathOf("server.pem"), Key = _folder.PathOf("server.key") },
            },
            reading.Options!.Admin);
        var audit = reading.Options.Audit!;
        Assert.Equal(["devices/#", "$x/+"], audit.Topics);
        Assert.Equal((_folder.PathOf("audit.jsonl"), true, 65_536L, 2), (audit.File, audit.Payloads, audit.MaximumBytes, audit.Keep));

        // What the broker writes itself is no change of the configuration; the token is.
        Assert.DoesNotContain(_folder.PathOf("audit.jsonl"), reading.Files);
        Assert.Contains(_folder.PathOf("admin.token"), reading.Files);
    }

    [Fact]
    public void Without_a_word_there_is_neither()
    {
        var options = Read("{}").Options!;

        Assert.Null(options.Admin);
        Assert.Null(options.Audit);
    }

    [Fact]
    public void A_token_that_everybody_can_read_deserves_a_look()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Files have no such mode there.");
        var file = _folder.Write("open", "0123456789abcdef");
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.GroupRead | UnixFileMode.OtherRead);
        }

        var reading = Read("""{ "admin": { "url": "http://127.0.0.1:0", "tokenFile": "open" } }""");

        var warning = Assert.Single(reading.Mistakes);
        Assert.True(warning.IsWarning);
        Assert.StartsWith("Everybody on this machine can read the token file", warning.Message, StringComparison.Ordinal);
    }

    private ConfigurationReading Read(string json) =>
        new ConfigurationFile(_folder.Write("antiphon.json", json), new Dictionary<string, string>(), []).Read();
}
