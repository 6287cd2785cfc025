using System.Runtime.InteropServices;

namespace Antiphon.Bench.Results;

/// <summary>Where the numbers come from; nothing that names the machine or whoever uses it.</summary>
internal sealed record Machine(string Kernel, string Processor, int Processors, string Runtime)
{
    public static Machine Here { get; } = new(
        File.ReadAllText("/proc/sys/kernel/osrelease").Trim(),
        File.ReadLines("/proc/cpuinfo")
            .FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal))?.Split(':')[1].Trim()
            ?? RuntimeInformation.ProcessArchitecture.ToString(),
        Environment.ProcessorCount,
        RuntimeInformation.FrameworkDescription);
}
