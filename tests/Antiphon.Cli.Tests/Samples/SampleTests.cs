using Antiphon.Tests.Running;

namespace Antiphon.Cli.Tests.Samples;

/// <summary>The programs under <c>samples/</c> do what they say.</summary>
public sealed class SampleTests
{
    [Fact]
    public async Task The_controller_switches_the_relay_of_the_device()
    {
        await using var broker = Running.Cli.StartBroker();
        await using var device = Start("RelayDevice", ["127.0.0.1", $"{broker.Port}"]);
        await device.OutputLineAsync("relay_1 waits for requests");
        await using var on = Start("RelayController", ["127.0.0.1", $"{broker.Port}", "on"]);
        var switchedOn = await on.EndAsync();
        await using var off = Start("RelayController", ["127.0.0.1", $"{broker.Port}", "off"]);
        var switchedOff = await off.EndAsync();

        Assert.Equal((0, "relay_1 is on\n"), (switchedOn.ExitCode, switchedOn.Output));
        Assert.Equal((0, "relay_1 is off\n"), (switchedOff.ExitCode, switchedOff.Output));
        await device.OutputLineAsync("relay_1: 0.0 V");
    }

    [Theory]
    [InlineData("TERM")]
    [InlineData("INT")]
    [InlineData("KILL")]
    public async Task The_controller_hears_at_once_that_the_device_has_ended(string signal)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no such signals.");
        await using var broker = Running.Cli.StartBroker();
        await using var device = Start("RelayDevice", ["127.0.0.1", $"{broker.Port}"]);
        await device.OutputLineAsync("relay_1 waits for requests");

        await (signal switch { "TERM" => device.TerminateAsync(), "INT" => device.InterruptAsync(), _ => device.KillAsync() });
        var ended = await device.EndAsync();
        await using var controller = Start("RelayController", ["127.0.0.1", $"{broker.Port}", "on"]);

        Assert.Equal(signal == "KILL" ? 137 : 0, ended.ExitCode);
        Assert.Equal("device_1 is not there.\n", (await controller.EndAsync()).Output);
    }

    [Fact]
    public async Task The_controller_says_when_the_device_is_not_there()
    {
        await using var broker = Running.Cli.StartBroker();
        await using var controller = Start("RelayController", ["127.0.0.1", $"{broker.Port}", "on"]);

        var end = await controller.EndAsync();

        Assert.Equal((1, "device_1 is not there.\n"), (end.ExitCode, end.Output));
    }

    [Fact]
    public async Task Three_responders_share_the_requests()
    {
        await using var broker = Running.Cli.StartBroker();
        await using var sample = Start("LoadSharedResponders", ["127.0.0.1", $"{broker.Port}"]);

        var end = await sample.EndAsync();

        Assert.Equal(0, end.ExitCode);
        Assert.Equal(["worker 1", "worker 2", "worker 3"], end.Lines.Select(line => line.Split(" answered ")[0]));
        Assert.Equal(30, end.Lines.Sum(line => int.Parse(line.Split(' ')[3], System.Globalization.CultureInfo.InvariantCulture)));
    }

    [Fact]
    public async Task A_sensor_is_asked_for_a_reading()
    {
        await using var broker = Running.Cli.StartBroker();
        await using var sample = Start("ReadingOnDemand", ["127.0.0.1", $"{broker.Port}"]);

        var end = await sample.EndAsync();

        Assert.Equal(0, end.ExitCode);
        Assert.Equal("21.75 celsius\n71.6 fahrenheit\nerror 400: There is no unit furlongs; ask for celsius or fahrenheit.\n", end.Output);
    }

    /// <summary>
    /// Starts a sample where it was built for itself: beside the tests, what the program's own framework has is left out, and samples
    /// do without that framework.
    /// </summary>
    private static ProgramRun Start(string sample, string[] arguments)
    {
        var output = new DirectoryInfo(AppContext.BaseDirectory);
        var root = output;
        while (!File.Exists(Path.Combine(root.FullName, "Antiphon.slnx")))
        {
            root = root.Parent!;
        }

        // Such as bin/Release/net10.0, in its folder as in ours.
        var built = Path.GetRelativePath(Path.Combine(root.FullName, "tests", "Antiphon.Cli.Tests"), output.FullName);
        return ProgramRun.Start("dotnet", [Path.Combine(root.FullName, "samples", sample, built, $"{sample}.dll"), .. arguments]);
    }
}
