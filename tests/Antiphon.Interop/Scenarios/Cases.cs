using Antiphon.Interop.Libraries;
using Antiphon.Protocol;

namespace Antiphon.Interop.Scenarios;

/// <summary>What each scenario is played with.</summary>
public static class Cases
{
    private static readonly Library[] Libraries = Enum.GetValues<Library>();

    private static readonly ProtocolVersion[] Versions = [ProtocolVersion.V311, ProtocolVersion.V5];

    public static MatrixTheoryData<Library, ProtocolVersion, QualityOfService> All =>
        new(Libraries, Versions, Enum.GetValues<QualityOfService>());

    /// <summary>QoS 1 and 2.</summary>
    public static MatrixTheoryData<Library, ProtocolVersion, QualityOfService> Acknowledged =>
        new(Libraries, Versions, [QualityOfService.AtLeastOnce, QualityOfService.ExactlyOnce]);

    public static MatrixTheoryData<Library, ProtocolVersion> BothVersions => new(Libraries, Versions);

    /// <summary>What only MQTT 5 has.</summary>
    public static TheoryData<Library> Version5 => new(Libraries);

    /// <summary>MQTT 5 with each QoS.</summary>
    public static MatrixTheoryData<Library, QualityOfService> Version5WithEachQoS => new(Libraries, Enum.GetValues<QualityOfService>());
}
