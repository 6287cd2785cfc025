using System.Xml.Linq;
using Antiphon.Tests.Running;

namespace Antiphon.Cli.Tests.Packaging;

public sealed class PackagingTests
{
    private static string Unit => Path.Combine(Root(), "packaging", "systemd", "antiphon.service");

    [Fact]
    public void The_unit_is_hardened_and_is_told_when_the_broker_is_ready()
    {
        var lines = File.ReadAllLines(Unit);

        Assert.All(
            (string[])[
                "Type=notify", "ExecReload=/bin/kill -HUP $MAINPID", "DynamicUser=yes", "ProtectSystem=strict", "ProtectHome=yes",
                "NoNewPrivileges=yes", "CapabilityBoundingSet=CAP_NET_BIND_SERVICE", "LimitNOFILE=1048576", "PrivateTmp=yes",
                "SystemCallFilter=@system-service", "RestrictNamespaces=yes", "Restart=on-failure"],
            key => Assert.Contains(key, lines));
        Assert.Contains(lines, line => line.StartsWith("ExecStart=/usr/bin/antiphon broker --config ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Systemd_has_nothing_to_say_against_the_unit()
    {
        const string Program = "/usr/bin/systemd-analyze";
        Assert.SkipUnless(File.Exists(Program), $"There is no {Program} here; the keys of the unit are tested.");
        var folder = Directory.CreateTempSubdirectory("antiphon-unit-");
        try
        {
            // It also looks whether the program is there, which it is only once it is installed.
            var copy = Path.Combine(folder.FullName, "antiphon.service");
            var unit = await File.ReadAllTextAsync(Unit, TestContext.Current.CancellationToken);
            await File.WriteAllTextAsync(
                copy,
                unit.Replace("/usr/bin/antiphon", "/bin/true", StringComparison.Ordinal),
                TestContext.Current.CancellationToken);
            await using var run = ProgramRun.Start(Program, ["verify", "--man=no", copy]);
            var ending = await run.EndAsync();

            Assert.Equal((0, ""), (ending.ExitCode, ending.Errors));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public void The_container_runs_the_broker_by_its_configuration_and_names_no_registry()
    {
        var project = XDocument.Load(Path.Combine(Root(), "src", "Antiphon.Cli", "Antiphon.Cli.csproj"));
        var settings = project.Descendants()
            .Where(element => element.Name.LocalName.StartsWith("Container", StringComparison.Ordinal))
            .ToList();

        Assert.Equal("antiphon", settings.Single(element => element.Name == "ContainerRepository").Value);
        Assert.Equal(
            "broker;--config;/etc/antiphon/antiphon.json",
            settings.Single(element => element.Name == "ContainerDefaultArgs").Attribute("Include")!.Value);
        Assert.DoesNotContain(settings, element => element.Name.LocalName is "ContainerBaseImage" or "ContainerRegistry");
    }

    private static string Root()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "Antiphon.slnx")))
        {
            folder = folder.Parent!;
        }

        return folder.FullName;
    }
}
