using System.CommandLine;

namespace Antiphon.Cli.Connecting;

/// <summary>Where the value of an option comes from: the command line, and where it says nothing, a saved context.</summary>
/// <param name="Line">The command line.</param>
/// <param name="Context">What is saved; <c>null</c>: nothing.</param>
internal readonly record struct SettingSource(ParseResult Line, ParseResult? Context)
{
    /// <summary>The value; the default one if nobody gives it.</summary>
    public T? GetValue<T>(Option<T> option) =>
        Context is null || Line.GetResult(option) is { Implicit: false } ? Line.GetValue(option) : Context.GetValue(option);
}
