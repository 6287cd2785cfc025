using Antiphon.Cli.Output;

namespace Antiphon.Cli.Demo;

/// <summary>What the demo prints: headings, text, and pictures.</summary>
internal sealed class Page(Terminal terminal)
{
    private const string Bold = "\e[1m";
    private const string Cyan = "\e[36m";
    private const string Plain = "\e[0m";

    public void Heading(string text)
    {
        terminal.Data("");
        terminal.Data(Coloured(Bold, text));
        terminal.Data("");
    }

    public void Text(string text) => terminal.Data(text.Length == 0 ? "" : $"  {text}");

    public void Picture(IEnumerable<string> lines)
    {
        foreach (var line in lines)
        {
            terminal.Data(
                line.Contains('>', StringComparison.Ordinal) || line.Contains('<', StringComparison.Ordinal) ? Coloured(Cyan, line) : line);
        }
    }

    private string Coloured(string colour, string text) => terminal.HasColour ? $"{colour}{text}{Plain}" : text;
}
