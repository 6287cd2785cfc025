namespace Antiphon.Cli.Tests.Connecting;

public sealed class TlsSettingsTests
{
    [Fact]
    public async Task A_server_is_trusted_by_the_file_of_its_authority_and_not_without()
    {
        await using var front = new TlsFront();

        var without = await Running.Cli.RunAsync("pub", "a", "1", "--qos", "0", "--url", front.Url);
        var with = await Running.Cli.RunAsync("pub", "a", "1", "--qos", "0", "--url", front.Url, "--cafile", front.CertificateFile);

        Assert.Equal((3, ""), (without.ExitCode, without.Output));
        Assert.Contains(
            "its issuer «CN=front» is not trusted here; if it is yours, give it with --cafile", without.Errors, StringComparison.Ordinal);
        Assert.Equal((0, "", ""), (with.ExitCode, with.Output, with.Errors));
        Assert.Equal((null, ""), front.Seen);
    }

    [Fact]
    public async Task Insecure_trusts_any_server_and_says_so_aloud()
    {
        await using var front = new TlsFront();

        var end = await Running.Cli.RunAsync("pub", "a", "1", "--qos", "0", "--url", front.Url, "--insecure");

        Assert.Equal((0, ""), (end.ExitCode, end.Output));
        Assert.StartsWith("WARNING: --insecure accepts any certificate.", end.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_certificate_with_its_key_and_an_application_protocol_reach_the_server()
    {
        await using var front = new TlsFront();
        var port = new Uri(front.Url).Port;

        // Without a URL, the options of TLS imply it.
        var end = await Running.Cli.RunAtAsync(
            port, "pub", "a", "1", "--qos", "0",
            "--cafile", front.CertificateFile, "--cert", front.CertificateFile, "--key", front.KeyFile, "--alpn", "mqtt");

        Assert.Equal((0, ""), (end.ExitCode, end.Errors));
        Assert.Equal(("CN=front", "mqtt"), front.Seen);
    }
}
