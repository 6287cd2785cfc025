namespace Antiphon.Server.Importing;

/// <summary>Takes configuration files of mosquitto's apart, line by line, in the order in which mosquitto reads them.</summary>
internal sealed class MosquittoConfiguration(TranslationLog log)
{
    private readonly List<MosquittoListener> _listeners = [new MosquittoListener(null)];
    private bool _isInBridge;
    private bool _isIncluded;
    private MosquittoLine? _perListener;

    /// <summary>The listeners that there are; one at least.</summary>
    public IReadOnlyList<MosquittoListener> Listeners =>
        _listeners.Count == 1 ? _listeners : [.. _listeners.Where(listener => listener.IsSaid)];

    /// <summary>The limits that were said, each with its line.</summary>
    public SortedDictionary<string, (string Value, MosquittoLine Line)> Limits { get; } = new(StringComparer.Ordinal);

    public MosquittoLine? AllowAnonymous { get; private set; }

    public MosquittoLine? PasswordFile { get; private set; }

    public MosquittoLine? AclFile { get; private set; }

    /// <summary>Whether clients may come without a name.</summary>
    public bool IsOpen => AllowAnonymous is { } said ? said.Value is "true" or "1" : Listeners is [{ IsLocalOnly: true }];

    /// <summary>The file that a line names.</summary>
    public static string PathOf(MosquittoLine line) =>
        Path.GetFullPath(line.Value, Path.GetDirectoryName(Path.GetFullPath(line.File)) ?? "/");

    public void Read(IReadOnlyList<MosquittoLine> lines)
    {
        foreach (var line in lines.Where(line => !log.IsLeftOut(line)))
        {
            Read(line);
        }
    }

    /// <summary>Looks at the whole, once everything is read.</summary>
    public void Check()
    {
        if (_perListener is { } line && Listeners.Count > 1)
        {
            log.Refuse(line, "Users and rules are the same for all listeners here, and there are several.");
        }

        foreach (var limit in Limits.Values.Where(limit => MosquittoLimits.Options[limit.Line.Name] && Listeners.Count > 1))
        {
            log.Refuse(limit.Line, "It is about one listener, and here it would be about all of them.");
        }
    }

    private void Read(MosquittoLine line)
    {
        if (line.Name == "connection")
        {
            _isInBridge = true;
            log.Refuse(line, "There are no bridges.");
        }
        else if (_isInBridge && IsOfBridge(line.Name))
        {
            // Part of what was refused.
        }
        else if (line.Name == "listener")
        {
            _isInBridge = false;
            _listeners.Add(new MosquittoListener(line));
        }
        else if (line.Value.Length == 0)
        {
            log.Refuse(line, "Nothing stands behind it.");
        }
        else if (line.Name == "include_dir")
        {
            Include(line);
        }
        else if (MosquittoWords.OfListeners.Contains(line.Name))
        {
            _listeners[^1].Put(line);
        }
        else if (MosquittoLimits.Options.ContainsKey(line.Name))
        {
            if (MosquittoLimits.Translate(line, log) is var (name, value))
            {
                Limits[name] = (value, line);
            }
        }
        else
        {
            ReadWhoMayCome(line);
        }
    }

    private void ReadWhoMayCome(MosquittoLine line)
    {
        switch (line.Name)
        {
            case "allow_anonymous":
                AllowAnonymous = line;
                break;
            case "password_file":
                PasswordFile = line;
                break;
            case "acl_file":
                AclFile = line;
                break;
            case "per_listener_settings":
                _perListener = line.Value is "true" or "1" ? line : null;
                break;
            default:
                ReadOther(line);
                break;
        }
    }

    private void ReadOther(MosquittoLine line)
    {
        if (MosquittoWords.OfTheMachine.Contains(line.Name))
        {
            log.Note(line, "It is left out: no client notices it.");
        }
        else if (MosquittoWords.AsHere.TryGetValue(line.Name, out var value) && (line.Value == value || Normal(line.Value) == value))
        {
            // So it is.
        }
        else
        {
            log.Refuse(
                line,
                MosquittoWords.Impossible.TryGetValue(line.Name, out var why) ? why
                    : line.Name.StartsWith("plugin", StringComparison.Ordinal) || line.Name.StartsWith("auth_", StringComparison.Ordinal)
                        ? "mosquitto's plugins do not run here."
                    : "No such option is known.");
        }
    }

    private void Include(MosquittoLine line)
    {
        if (_isIncluded)
        {
            log.Note(line, "mosquitto passes it over in an included file.");
            return;
        }

        string[] files;
        try
        {
            files = Directory.GetFiles(PathOf(line), "*.conf");
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            log.Refuse(line, failure.Message);
            return;
        }

        _isIncluded = true;
        foreach (var file in files.Order(StringComparer.Ordinal))
        {
            Read(log.Read(file, line));
        }

        _isIncluded = false;
    }

    private static string Normal(string value) => value switch
    {
        "1" => "true",
        "0" => "false",
        _ => value,
    };

    private static bool IsOfBridge(string name) =>
        MosquittoWords.OfBridges.Contains(name)
        || name.StartsWith("bridge_", StringComparison.Ordinal)
        || name.StartsWith("local_", StringComparison.Ordinal)
        || name.StartsWith("remote_", StringComparison.Ordinal);
}
