using System.Buffers.Text;
using System.Text;
using Antiphon.Protocol.Packets;
using Antiphon.Protocol.Properties;

namespace Antiphon.Rpc.Wire;

/// <summary>What a Response Message says about how it went, read from its User Properties as they stand in the input.</summary>
internal readonly ref struct ResponseStatus
{
    /// <summary>The status; <c>null</c>: the response names none; 0: it names one that is no number.</summary>
    public int? Code { get; private init; }

    public ReadOnlySpan<byte> Message { get; private init; }

    public bool IsApplicationError { get; private init; }

    public ReadOnlySpan<byte> InvalidPropertyName { get; private init; }

    public ReadOnlySpan<byte> InvalidPropertyValue { get; private init; }

    public ReadOnlySpan<byte> Reason { get; private init; }

    public TimeSpan? RetryAfter { get; private init; }

    /// <summary>
    /// Whether it is a success: a status from 200 to 299 is one whatever stands beside it; without a status everything is one that does not say «application error»,
    /// unless the caller holds responders to the profile, which asks for a status.
    /// </summary>
    public bool IsSuccess(bool strict) => Code is { } code ? code is >= 200 and <= 299 : !strict && !IsApplicationError;

    public static ResponseStatus Read(in PublishView message)
    {
        var status = default(ResponseStatus);
        var properties = message.ReadProperties();
        while (properties.TryRead(out var property))
        {
            if (property.Identifier != PropertyIdentifier.UserProperty)
            {
                continue;
            }

            var name = property.Bytes;
            var value = property.Second;
            if (name.SequenceEqual(RpcPropertyName.Status))
            {
                status = status with { Code = ReadNumber(value) is >= 100 and <= 999 and var code ? (int)code : 0 };
            }
            else if (name.SequenceEqual(RpcPropertyName.StatusMessage))
            {
                status = status with { Message = value };
            }
            else if (name.SequenceEqual(RpcPropertyName.ApplicationError))
            {
                // False when empty or «false» in any case, else true: so says the profile.
                status = status with { IsApplicationError = !value.IsEmpty && !Ascii.EqualsIgnoreCase(value, "false"u8) };
            }
            else if (name.SequenceEqual(RpcPropertyName.InvalidPropertyName))
            {
                status = status with { InvalidPropertyName = value };
            }
            else if (name.SequenceEqual(RpcPropertyName.InvalidPropertyValue))
            {
                status = status with { InvalidPropertyValue = value };
            }
            else if (name.SequenceEqual(RpcPropertyName.Reason))
            {
                status = status with { Reason = value };
            }
            else if (name.SequenceEqual(RpcPropertyName.RetryAfter) && ReadNumber(value) is { } milliseconds)
            {
                status = status with { RetryAfter = TimeSpan.FromMilliseconds(milliseconds) };
            }
        }

        return status;
    }

    /// <summary>A decimal number without sign, at most ten digits.</summary>
    public static long? ReadNumber(ReadOnlySpan<byte> text) =>
        text.Length is > 0 and <= 10 && char.IsAsciiDigit((char)text[0])
        && Utf8Parser.TryParse(text, out long number, out var consumed) && consumed == text.Length
            ? number
            : null;
}
