using Antiphon.Server.Configuration;
using Antiphon.Server.Tests.Peers;

namespace Antiphon.Server.Tests.Configuration;

/// <summary>The configuration files that the documents show can be used as they stand.</summary>
public sealed class DocumentedExampleTests : IDisposable
{
    /// <summary>How a block begins that is a whole file.</summary>
    private const string Begin = "```json\n// antiphon.json";

    private readonly CertificateFolder _folder = new();

    public static TheoryData<string, int> Examples => new() { { "operations.md", 1 }, { "security.md", 2 } };

    public void Dispose() => _folder.Dispose();

    [Theory]
    [MemberData(nameof(Examples))]
    public void Each_can_be_used(string page, int count)
    {
        _folder.Issue("broker.example", file: "server");
        _folder.Write("users", "");
        string[] blocks =
        [
            .. File.ReadAllText(Path.Combine(Root(), "docs", page)).Split(Begin).Skip(1)
                .Select(block => "//" + block.Split("```")[0]),
        ];

        Assert.Equal(count, blocks.Length);
        Assert.All(blocks, block =>
        {
            var file = new ConfigurationFile(_folder.Write("antiphon.json", block), new Dictionary<string, string>(), []);
            var reading = file.Read();
            Assert.Empty(reading.Mistakes);
            Assert.NotNull(reading.Options!.Broker.AccessRules);
        });
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
