using System.Collections;
using System.Reflection;
using Antiphon.Protocol.Packets;
using Antiphon.Protocol.Tests.Wire;

namespace Antiphon.Protocol.Tests.Packets;

/// <summary>
/// A packet with everything in it as text. Packets hold lists and memory, which records compare by reference;
/// the text compares by content and says at once what differs.
/// </summary>
internal static class PacketText
{
    public static string Of(Packet packet) => Describe(packet);

    private static string Describe(object? value) => value switch
    {
        null => "null",
        string text => $"\"{text}\"",
        ReadOnlyMemory<byte> bytes => $"<{Hex.Text(bytes.Span)}>",
        IEnumerable list => $"[{string.Join(", ", list.Cast<object?>().Select(Describe))}]",
        IFormattable plain => plain.ToString(null, null),
        bool flag => flag.ToString(),
        _ => $"{value.GetType().Name} {{ {string.Join(", ", value.GetType()
            .GetProperties(BindingFlags.Public | BindingFlags.Instance)
            .Select(property => $"{property.Name} = {Describe(property.GetValue(value))}"))} }}",
    };
}
