using Antiphon.Bench.Results;

namespace Antiphon.Bench.Public.Results;

/// <summary>What a broker came to in a scenario.</summary>
internal sealed record TlsRow(string Scenario, string Broker, bool IsEncrypted)
{
    public List<Measurement> Runs { get; } = [];

    /// <summary>The version of TLS and the cipher.</summary>
    public string? Agreed { get; set; }
}
