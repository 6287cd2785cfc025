using System.Buffers.Text;
using System.Text;

namespace Antiphon.Rpc.Wire;

/// <summary>What a Response Message says about how it went, read from its User Properties as they stand in the input.</summary>
internal ref struct ResponseStatus
{
    /// <summary>The status; <c>null</c>: the response names none; 0: it names one that is no number.</summary>
    public int? Code { get; private set; }

    public ReadOnlySpan<byte> Message { get; private set; }

    public bool IsApplicationError { get; private set; }

    public ReadOnlySpan<byte> InvalidPropertyName { get; private set; }

    public ReadOnlySpan<byte> InvalidPropertyValue { get; private set; }

    public ReadOnlySpan<byte> Reason { get; private set; }

    public TimeSpan? RetryAfter { get; private set; }

    /// <summary>
    /// Whether it is a success: a status from 200 to 299 is one whatever stands beside it;
    /// without a status everything is one that does not say «application error», unless the caller holds responders to the profile,
    /// which asks for a status.
    /// </summary>
    public readonly bool IsSuccess(bool strict) => Code is { } code ? code is >= 200 and <= 299 : !strict && !IsApplicationError;

    /// <summary>Reads one User Property; of two with one name the later counts.</summary>
    public void Read(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        if (name.SequenceEqual(RpcPropertyName.Status))
        {
            Code = ReadNumber(value) is >= 100 and <= 999 and var code ? (int)code : 0;
        }
        else if (name.SequenceEqual(RpcPropertyName.StatusMessage))
        {
            Message = value;
        }
        else if (name.SequenceEqual(RpcPropertyName.ApplicationError))
        {
            // False when empty or «false» in any case, else true: so says the profile.
            IsApplicationError = !value.IsEmpty && !Ascii.EqualsIgnoreCase(value, "false"u8);
        }
        else if (name.SequenceEqual(RpcPropertyName.InvalidPropertyName))
        {
            InvalidPropertyName = value;
        }
        else if (name.SequenceEqual(RpcPropertyName.InvalidPropertyValue))
        {
            InvalidPropertyValue = value;
        }
        else if (name.SequenceEqual(RpcPropertyName.Reason))
        {
            Reason = value;
        }
        else if (name.SequenceEqual(RpcPropertyName.RetryAfter) && ReadNumber(value) is { } milliseconds)
        {
            RetryAfter = TimeSpan.FromMilliseconds(milliseconds);
        }
    }

    /// <summary>The server lets everybody write what only a broker may say.</summary>
    public void DisbelieveReason() => Reason = default;

    /// <summary>A decimal number without sign, at most ten digits.</summary>
    public static long? ReadNumber(ReadOnlySpan<byte> text) =>
        text.Length is > 0 and <= 10 && char.IsAsciiDigit((char)text[0])
        && Utf8Parser.TryParse(text, out long number, out var consumed) && consumed == text.Length
            ? number
            : null;
}
