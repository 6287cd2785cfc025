using System.Text;

namespace Antiphon.Client.Tests.Peers;

/// <summary>Packets written by hand: hexadecimal bytes, and text in quotes.</summary>
internal static class Bytes
{
    /// <summary>Such as <c>30 06 0003 'a/b' 00</c>.</summary>
    public static byte[] Of(string notation)
    {
        var bytes = new List<byte>();
        for (var i = 0; i < notation.Length;)
        {
            if (notation[i] == ' ')
            {
                i++;
            }
            else if (notation[i] == '\'')
            {
                var end = notation.IndexOf('\'', i + 1);
                bytes.AddRange(Encoding.UTF8.GetBytes(notation[(i + 1)..end]));
                i = end + 1;
            }
            else
            {
                bytes.Add(Convert.ToByte(notation.Substring(i, 2), 16));
                i += 2;
            }
        }

        return [.. bytes];
    }
}
