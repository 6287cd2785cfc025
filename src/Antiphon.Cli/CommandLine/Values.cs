using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using Antiphon.Protocol;

namespace Antiphon.Cli.CommandLine;

/// <summary>The kinds of value that more than one command takes, each with the sentence for a value that is none.</summary>
internal static class Values
{
    private static readonly (string Unit, double Milliseconds)[] Units = [("ms", 1), ("s", 1_000), ("m", 60_000), ("", 1_000)];

    /// <summary>A duration above zero and up to a day: <c>500ms</c>, <c>2.5s</c>, <c>1m</c>; a bare number is seconds.</summary>
    public static Option<TimeSpan?> Duration(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "DURATION",
        CustomParser = result =>
        {
            var text = result.Tokens[0].Value;
            if (TryReadDuration(text) is { } duration)
            {
                return duration;
            }

            result.AddError($"{name} «{text}» is not a duration; write for instance 500ms, 2.5s or 1m, above zero and at most 24 hours.");
            return null;
        },
    };

    /// <summary>A whole number from 1 on.</summary>
    public static Option<int?> Count(string name, string description, params string[] aliases)
    {
        var option = new Option<int?>(name, aliases) { Description = description, HelpName = "N" };
        option.CustomParser = result =>
        {
            var text = result.Tokens[0].Value;
            if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var count) && count >= 1)
            {
                return count;
            }

            result.AddError($"{name} «{text}» is not a whole number from 1 to {int.MaxValue}.");
            return null;
        };
        return option;
    }

    /// <summary>Bytes as hexadecimal digits; absent: none.</summary>
    public static Option<ReadOnlyMemory<byte>?> Bytes(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "HEX",
        CustomParser = result =>
        {
            var text = result.Tokens[0].Value;
            if (text.Length % 2 == 0 && text.All(char.IsAsciiHexDigit))
            {
                return Convert.FromHexString(text);
            }

            result.AddError($"{name} «{text}» is not hexadecimal; write two digits for each byte, for instance 00ff.");
            return null;
        },
    };

    /// <summary>So many a second: above zero, at most a million; <c>0.5</c> is one every two seconds.</summary>
    public static Option<double?> Rate(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "N",
        CustomParser = result =>
        {
            var text = result.Tokens[0].Value;
            if (double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var rate)
                && rate is > 0 and <= 1_000_000)
            {
                return rate;
            }

            result.AddError($"{name} «{text}» is not a number a second; write for instance 100 or 0.5, above zero and at most 1000000.");
            return null;
        },
    };

    /// <summary>A TCP port to listen on; 0: a free one; absent: the usual one.</summary>
    public static Option<int?> Port(string description) => new("--port", "-p")
    {
        Description = description,
        HelpName = "PORT",
        CustomParser = result => ReadPort(result, lowest: 0),
    };

    /// <summary>The TCP port of a server; absent: the usual one.</summary>
    public static Option<int?> ServerPort(string description) => new("--port", "-p")
    {
        Description = description,
        HelpName = "PORT",
        CustomParser = result => ReadPort(result, lowest: 1),
    };

    /// <summary>QoS 0 or 1; absent: 1.</summary>
    public static Option<QualityOfService?> QoS(string description) =>
        QoS("--qos", $"{description} [default: 1]", QualityOfService.AtLeastOnce, "-q");

    /// <summary>QoS 0 to 2; absent: 1.</summary>
    public static Option<QualityOfService?> AnyQoS(string description) =>
        QoS("--qos", $"{description} [default: 1]", QualityOfService.ExactlyOnce, "-q");

    /// <summary>QoS 0 up to a highest one.</summary>
    public static Option<QualityOfService?> QoS(string name, string description, QualityOfService highest, params string[] aliases)
    {
        var option = new Option<QualityOfService?>(name, aliases)
        {
            Description = description,
            HelpName = highest == QualityOfService.ExactlyOnce ? "0|1|2" : "0|1",
            CustomParser = result => ReadQoS(result, name, highest),
        };

        // Tab offers what is accepted, not the names of the type.
        option.CompletionSources.Clear();
        option.CompletionSources.Add(highest == QualityOfService.ExactlyOnce ? ["0", "1", "2"] : ["0", "1"]);
        return option;
    }

    /// <summary>One of a few words; absent: none.</summary>
    public static Option<string?> OneOf(string name, string description, params string[] words)
    {
        var option = new Option<string?>(name) { Description = description, HelpName = string.Join('|', words) };
        option.Validators.Add(result =>
        {
            if (result.Tokens is [{ Value: var word }] && !words.Contains(word, StringComparer.Ordinal))
            {
                result.AddError($"{name} «{word}» is not possible; use {string.Join(" or ", words)}.");
            }
        });
        option.CompletionSources.Add(words);
        return option;
    }

    /// <summary>A Topic Name, checked before anything is sent.</summary>
    public static Argument<string> TopicName(string description)
    {
        var argument = new Argument<string>("TOPIC") { Description = description };
        argument.Validators.Add(result => Check(result, "TOPIC", topic => Protocol.Topics.TopicName.ThrowIfInvalid(topic, "TOPIC")));
        return argument;
    }

    /// <summary>What a Topic Name begins with, itself a Topic Name.</summary>
    public static Option<string?> TopicPrefix(string name, string description)
    {
        var option = new Option<string?>(name) { Description = description, HelpName = "PREFIX" };
        option.Validators.Add(result => Check(result, name, topic => Protocol.Topics.TopicName.ThrowIfInvalid(topic, "TOPIC")));
        return option;
    }

    /// <summary>Reports a Topic Filter that is none.</summary>
    public static void CheckTopicFilter(ArgumentResult result) =>
        Check(result, result.Argument.Name, filter => Protocol.Topics.TopicFilter.Parse(filter));

    private static void Check(SymbolResult result, string name, Action<string> check)
    {
        foreach (var token in result.Tokens)
        {
            try
            {
                check(token.Value);
            }
            catch (ArgumentException e)
            {
                result.AddError(token.Value.Length == 0 ? $"{name} is empty; a topic has one character or more." : WithoutParameter(e));
            }
        }
    }

    /// <summary>ArgumentException appends the parameter's name, which means nothing to somebody at a command line.</summary>
    public static string WithoutParameter(ArgumentException e) =>
        e.ParamName is { } name ? e.Message.Replace($" (Parameter '{name}')", "", StringComparison.Ordinal) : e.Message;

    private static int? ReadPort(ArgumentResult result, int lowest)
    {
        var text = result.Tokens[0].Value;
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port >= lowest && port <= ushort.MaxValue)
        {
            return port;
        }

        result.AddError($"--port «{text}» is not a port; ports are whole numbers from {lowest} to 65535.");
        return null;
    }

    private static QualityOfService? ReadQoS(ArgumentResult result, string name, QualityOfService highest)
    {
        var text = result.Tokens[0].Value;
        if (text is [>= '0' and <= '2'] && text[0] - '0' <= (int)highest)
        {
            return (QualityOfService)(text[0] - '0');
        }

        result.AddError(highest == QualityOfService.ExactlyOnce
            ? $"{name} «{text}» is not possible; use 0 (at most once), 1 (at least once) or 2 (exactly once)."
            : $"{name} «{text}» is not possible; use 0 (at most once) or 1 (at least once).");
        return null;
    }

    private static TimeSpan? TryReadDuration(string text)
    {
        foreach (var (unit, milliseconds) in Units)
        {
            if (text.EndsWith(unit, StringComparison.Ordinal)
                && double.TryParse(
                    text.AsSpan(0, text.Length - unit.Length), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number)
                && number * milliseconds is > 0 and <= 86_400_000)
            {
                return TimeSpan.FromMilliseconds(number * milliseconds);
            }
        }

        return null;
    }
}
