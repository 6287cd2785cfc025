using Antiphon.Server.Users;

namespace Antiphon.Server.Configuration;

/// <summary>The settings below <c>users</c>.</summary>
internal static class UserSettings
{
    private static readonly Shape<FailedLogInLimits> FailedLogInShape = new(
        new FailedLogInLimits(),
        check: null,
        required: [],
        new Setting<FailedLogInLimits, long>(
            "free",
            "How many failures in a row of one user name from one address cost nothing.",
            new WholeKind(1, int.MaxValue),
            limits => limits.Free,
            (limits, value) => limits with { Free = (int)value }),
        new Setting<FailedLogInLimits, TimeSpan>(
            "longestWait",
            "The longest wait between two attempts, in seconds; it begins with one second and doubles with each failure. 0: nobody waits.",
            new SecondsKind(0, 86_400),
            limits => limits.LongestWait,
            (limits, value) => limits with { LongestWait = value }),
        new Setting<FailedLogInLimits, long>(
            "perAddress",
            "How many failures a minute one address may have with all user names together.",
            new WholeKind(1, int.MaxValue),
            limits => limits.PerAddress,
            (limits, value) => limits with { PerAddress = (int)value }));

    public static Shape<ConfigurationDraft> Shape { get; } = new(
        new ConfigurationDraft(),
        Check,
        required: [],
        new Setting<ConfigurationDraft, string?>(
            "passwordFile",
            "The users and their passwords, as antiphon passwd keeps them.",
            new FileKind()!,
            draft => draft.PasswordFile,
            (draft, value) => draft with { PasswordFile = value }),
        new Setting<ConfigurationDraft, FailedLogInLimits>(
            "failedLogIns",
            "How those are slowed who try passwords.",
            FailedLogInShape,
            draft => draft.FailedLogIns,
            (draft, value) => draft with { FailedLogIns = value }));

    private static ConfigurationDraft Check(ConfigurationDraft draft, Node node, ReadingContext context)
    {
        if (draft.PasswordFile is { } file && UserFile.Read(file).Mistake is { } mistake)
        {
            context.Error(node.PlaceOf("passwordFile"), mistake);
        }

        return draft;
    }
}
