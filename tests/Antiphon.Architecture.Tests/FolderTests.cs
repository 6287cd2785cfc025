namespace Antiphon.Architecture.Tests;

public sealed class FolderTests
{
    private static readonly string[] Banned = ["Helpers", "Utils", "Utilities", "Common", "Managers", "Misc", "Shared"];

    [Theory]
    [InlineData("src")]
    [InlineData("tests")]
    public void Folders_are_named_after_things_in_the_domain(string under)
    {
        var wrong = House.SourceFolders(under).Where(path => Banned.Contains(path.Split('/')[^1], StringComparer.OrdinalIgnoreCase));
        Assert.Empty(wrong);
    }

    [Fact]
    public void Every_room_has_its_own_folder_and_the_solution_lists_it()
    {
        var solution = File.ReadAllText(Path.Combine(House.Root, "Antiphon.slnx"));
        foreach (var project in House.Projects)
        {
            Assert.True(File.Exists(Path.Combine(House.Root, "src", project, $"{project}.csproj")), project);
            Assert.Contains($"src/{project}/{project}.csproj", solution, StringComparison.Ordinal);
        }
    }
}
