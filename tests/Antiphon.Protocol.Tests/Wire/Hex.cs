using System.Globalization;
using System.Text;

namespace Antiphon.Protocol.Tests.Wire;

/// <summary>Bytes as they are written in the tests: pairs of hexadecimal digits, text between apostrophes, blanks anywhere.</summary>
internal static class Hex
{
    public static byte[] Bytes(string text)
    {
        var bytes = new List<byte>();
        for (var i = 0; i < text.Length;)
        {
            if (char.IsWhiteSpace(text[i]))
            {
                i++;
            }
            else if (text[i] == '\'')
            {
                var end = text.IndexOf('\'', i + 1);
                bytes.AddRange(Encoding.UTF8.GetBytes(text[(i + 1)..end]));
                i = end + 1;
            }
            else
            {
                bytes.Add(byte.Parse(text.AsSpan(i, 2), NumberStyles.HexNumber, CultureInfo.InvariantCulture));
                i += 2;
            }
        }

        return [.. bytes];
    }

    public static string Text(ReadOnlySpan<byte> bytes) => Convert.ToHexString(bytes);
}
