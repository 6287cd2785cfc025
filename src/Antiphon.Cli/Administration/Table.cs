using System.Globalization;
using System.Text.Json;
using Antiphon.Cli.Output;

namespace Antiphon.Cli.Administration;

/// <summary>Rows for people: columns under their names, as wide as they need to be. The last one is never padded.</summary>
internal sealed class Table(params string[] columns)
{
    private readonly List<string[]> _rows = [];

    public void Add(params string[] values) => _rows.Add([.. values.Select(Printable)]);

    /// <summary>Prints all rows; without any, nothing.</summary>
    public void Print(Terminal terminal)
    {
        if (_rows.Count == 0)
        {
            return;
        }

        var widths = columns.Select((name, i) => Math.Max(name.Length, _rows.Max(row => row[i].Length))).ToArray();
        PrintRow(terminal, columns, widths);
        _rows.ForEach(row => PrintRow(terminal, row, widths));
    }

    /// <summary>The text of a member; a dash where there is none.</summary>
    public static string Text(JsonElement row, string member) => row.TryGetProperty(member, out var value)
        ? value.ValueKind switch
        {
            JsonValueKind.True => "yes",
            JsonValueKind.False => "no",
            JsonValueKind.Null => "-",
            _ => value.ToString(),
        }
        : "-";

    /// <summary>A member that is a number of seconds, in words; a dash where there is none.</summary>
    public static string Duration(JsonElement row, string member) =>
        row.TryGetProperty(member, out var value) && value.TryGetDouble(out var seconds) ? Duration(seconds) : "-";

    private static string Duration(double seconds) => seconds switch
    {
        < 60 => string.Create(CultureInfo.InvariantCulture, $"{seconds:0.#}s"),
        < 3600 => string.Create(CultureInfo.InvariantCulture, $"{(int)seconds / 60}m{(int)seconds % 60}s"),
        < 86_400 => string.Create(CultureInfo.InvariantCulture, $"{(int)seconds / 3600}h{(int)seconds % 3600 / 60}m"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{(long)seconds / 86_400}d{(long)seconds % 86_400 / 3600}h"),
    };

    /// <summary>Nothing that a client has named may steer a terminal.</summary>
    private static string Printable(string text) =>
        text.Any(char.IsControl) ? string.Concat(text.Select(c => char.IsControl(c) ? '\uFFFD' : c)) : text;

    private static void PrintRow(Terminal terminal, string[] values, int[] widths) => terminal.Data(
        string.Join("  ", values.Select((value, i) => i == values.Length - 1 ? value : value.PadRight(widths[i]))));
}
