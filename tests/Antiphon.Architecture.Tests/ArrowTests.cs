namespace Antiphon.Architecture.Tests;

public sealed class ArrowTests
{
    public static TheoryData<string> Projects => [.. House.Projects];

    [Theory]
    [MemberData(nameof(Projects))]
    public void Every_project_is_a_room_of_the_table_and_is_read_here(string project)
    {
        Assert.Contains(project, Room.All.Select(room => room.Name));

        // A generator is built for another framework and packed into Rpc; no assembly references it.
        if (project != "Antiphon.Rpc.Generators")
        {
            Assert.True(File.Exists(House.PathOf(project)), $"Add a ProjectReference to {project} in Antiphon.Architecture.Tests.csproj.");
        }
    }

    [Theory]
    [MemberData(nameof(Projects))]
    public void A_room_leans_only_on_the_rooms_that_the_design_draws(string project)
    {
        var allowed = Room.Named(project).Reachable;
        var wrong = House.References(project)
            .Where(name => name.StartsWith("Antiphon.", StringComparison.Ordinal) && !allowed.Contains(name));
        Assert.Empty(wrong);
    }

    [Theory]
    [MemberData(nameof(Projects))]
    public void A_room_takes_only_the_packages_that_it_may(string project)
    {
        var room = Room.Named(project);
        var wrong = House.References(project).Where(name =>
            !name.StartsWith("Antiphon.", StringComparison.Ordinal) && !House.IsOfTheBaseLibrary(name) && !room.AllowsPackage(name));
        Assert.Empty(wrong);
    }

    [Fact]
    public void The_arrows_make_no_circle() => Assert.All(Room.All, room => Assert.DoesNotContain(room.Name, room.Reachable));
}
