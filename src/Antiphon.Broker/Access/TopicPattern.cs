using System.Diagnostics.CodeAnalysis;
using System.Text;
using Antiphon.Protocol.Topics;

namespace Antiphon.Broker.Access;

/// <summary>A topic of a rule: a Topic Filter, with places for what a client is.</summary>
internal sealed class TopicPattern
{
    private const string Claim = "claim:";

    // What stands before, between and after the variables.
    private readonly string[] _texts;
    private readonly string[] _variables;
    private readonly byte[]? _fixed;

    private TopicPattern(string[] texts, string[] variables)
    {
        _texts = texts;
        _variables = variables;
        _fixed = variables.Length == 0 ? Encoding.UTF8.GetBytes(texts[0]) : null;
    }

    /// <summary>Takes a pattern apart.</summary>
    /// <param name="text">The pattern.</param>
    /// <param name="pattern">The pattern, if it is one.</param>
    /// <param name="mistake">Otherwise a sentence that says why not.</param>
    public static bool TryParse(string text, [NotNullWhen(true)] out TopicPattern? pattern, [NotNullWhen(false)] out string? mistake)
    {
        pattern = null;
        var texts = new List<string>();
        var variables = new List<string>();
        var rest = text;
        for (var start = rest.IndexOf("${", StringComparison.Ordinal); start >= 0; start = rest.IndexOf("${", StringComparison.Ordinal))
        {
            var end = rest.IndexOf('}', start);
            var name = end < 0 ? rest[(start + 2)..] : rest[(start + 2)..end];
            if (end < 0 || !IsVariable(name))
            {
                var variable = end < 0 ? rest[start..] : rest[start..(end + 1)];
                mistake = $"The topic «{text}» has the variable «{variable}»; there are ${{clientid}}, ${{user}} and ${{claim:NAME}}.";
                return false;
            }

            texts.Add(rest[..start]);
            variables.Add(name);
            rest = rest[(end + 1)..];
        }

        texts.Add(rest);

        // A variable stands for one character or more that are no wildcards.
        if (!TopicFilter.TryParse(string.Join('x', texts), out var filter, out var fault))
        {
            mistake = $"The topic «{text}» is not valid: {fault.Message}";
            return false;
        }

        if (filter.IsShared)
        {
            mistake = $"The topic «{text}» begins with $share; a rule is about the Topic Filter behind it, whether shared or not.";
            return false;
        }

        pattern = new TopicPattern([.. texts], [.. variables]);
        mistake = null;
        return true;
    }

    /// <summary>The pattern for one client, in UTF-8; <c>null</c>: it does not mean this client.</summary>
    public byte[]? For(ClientIdentity client)
    {
        if (_fixed is not null)
        {
            return _fixed;
        }

        var text = new StringBuilder(_texts[0]);
        for (var i = 0; i < _variables.Length; i++)
        {
            var value = Value(_variables[i], client);
            if (string.IsNullOrEmpty(value) || value.AsSpan().ContainsAny('+', '#', '/'))
            {
                return null;
            }

            text.Append(value).Append(_texts[i + 1]);
        }

        // Nobody gets at $SYS by a name that he gives himself.
        return _texts[0].Length == 0 && text[0] == '$' ? null : Encoding.UTF8.GetBytes(text.ToString());
    }

    private static bool IsVariable(string name) =>
        name is "clientid" or "user" || (name.StartsWith(Claim, StringComparison.Ordinal) && name.Length > Claim.Length);

    private static string? Value(string variable, ClientIdentity client) => variable switch
    {
        "clientid" => client.ClientId,
        "user" => client.UserName,
        _ => client.User?.Claims.GetValueOrDefault(variable[Claim.Length..]),
    };
}
