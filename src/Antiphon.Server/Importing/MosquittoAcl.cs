using Antiphon.Broker.Access;

namespace Antiphon.Server.Importing;

/// <summary>
/// Translates files of access rules of mosquitto's. What was allowed stays allowed, and nothing more is: <c>read</c> is subscribe,
/// <c>write</c> is publish and request, since mosquitto makes no difference between messages with a Response Topic and without.
/// </summary>
/// <remarks>
/// mosquitto asks a client's own lines first and then the patterns, among each those that deny before those that allow. Nobody is given
/// <c>respond</c>: who could read requests there could answer only where he could write, and that is what publish says.
/// </remarks>
internal sealed class MosquittoAcl(TranslationLog log)
{
    // In the order in which mosquitto asks: own denials, own permissions, denials by pattern, permissions by pattern.
    private readonly List<(MosquittoLine Line, AccessRule Rule)>[] _ranks = [[], [], [], []];

    /// <summary>The rules, in their order.</summary>
    public IEnumerable<(MosquittoLine Line, AccessRule Rule)> Rules => _ranks.SelectMany(rank => rank);

    /// <summary>The lines that begin the rules of a user.</summary>
    public List<MosquittoLine> Users { get; } = [];

    public void Translate(IReadOnlyList<MosquittoLine> lines)
    {
        // What stands before the first user is about clients without a name.
        var to = "anonymous";
        foreach (var line in lines)
        {
            switch (line.Name)
            {
                case "user" when line.Value.Length > 0:
                    to = $"user:{line.Value}";
                    Users.Add(line);
                    break;
                case "topic" when line.Value.Length > 0:
                    Add(line, to, isPattern: false);
                    break;
                case "pattern" when line.Value.Length > 0:
                    Add(line, "*", isPattern: true);
                    break;
                default:
                    log.Refuse(line, "It is neither user, topic nor pattern, with something behind it.");
                    break;
            }
        }
    }

    private void Add(MosquittoLine line, string to, bool isPattern)
    {
        var (access, topic) = line.Value.Split(' ', 2) is [var first, var rest] ? (first, rest.Trim()) : ("readwrite", line.Value);
        Permissions? permissions = access switch
        {
            "read" => Permissions.Subscribe,
            "write" => Permissions.Publish | Permissions.Request,
            "readwrite" => Permissions.Subscribe | Permissions.Publish | Permissions.Request,
            "deny" => Permissions.Subscribe | Permissions.Publish | Permissions.Request | Permissions.Respond,
            _ => null,
        };
        if (permissions is null)
        {
            log.Refuse(line, $"«{access}» is not read, write, readwrite or deny.");
            return;
        }

        if (topic.Contains("${", StringComparison.Ordinal))
        {
            log.Refuse(line, "A topic with «${» in it cannot be written here, where that begins a variable.");
            return;
        }

        if (isPattern)
        {
            topic = topic.Replace("%c", "${clientid}", StringComparison.Ordinal).Replace("%u", "${user}", StringComparison.Ordinal);
        }

        var rule = new AccessRule { Allows = access != "deny", Permissions = permissions.Value, Topics = [topic], To = [to] };
        if (AccessRules.Check(rule) is [var mistake, ..])
        {
            log.Refuse(line, mistake);
            return;
        }

        _ranks[(isPattern ? 2 : 0) + (rule.Allows ? 1 : 0)].Add((line, rule));
    }
}
