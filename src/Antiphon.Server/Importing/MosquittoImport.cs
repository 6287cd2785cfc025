using Antiphon.Broker.Authentication;

namespace Antiphon.Server.Importing;

/// <summary>
/// Translates files of mosquitto's, versions 1.6 to 2: configurations, access rules and password files.
/// What cannot be said here is refused by its line, so that nobody thinks that it holds.
/// </summary>
public static class MosquittoImport
{
    /// <summary>Translates.</summary>
    /// <param name="files">
    /// Configurations, in the order in which mosquitto reads them. Files of access rules and of passwords may be among them;
    /// they are known by what is in them. Those that a configuration names are read as well.
    /// </param>
    /// <param name="passwordFile">The password file that the configuration is to name.</param>
    /// <param name="without">The names of options whose lines are left out instead of being refused, such as <c>persistence</c>.</param>
    public static MosquittoTranslation Translate(IReadOnlyList<string> files, string passwordFile, IReadOnlySet<string> without)
    {
        ArgumentNullException.ThrowIfNull(files);
        ArgumentException.ThrowIfNullOrEmpty(passwordFile);
        ArgumentNullException.ThrowIfNull(without);
        return new Translation(without).Run(files, passwordFile);
    }

    private sealed class Translation
    {
        private static readonly string[] AboutRules =
        [
            "«read» became subscribe, «write» became publish and request. Who is to answer requests needs «respond» too.",
            "mosquitto lets anybody subscribe to anything and looks at each message. Here rules have to cover the filter.",
        ];

        private readonly TranslationLog _log;
        private readonly MosquittoConfiguration _configuration;
        private readonly MosquittoAcl _acl;
        private CredentialList? _users;
        private bool _hasAcl;

        public Translation(IReadOnlySet<string> without)
        {
            _log = new TranslationLog(without);
            _configuration = new MosquittoConfiguration(_log);
            _acl = new MosquittoAcl(_log);
        }

        public MosquittoTranslation Run(IReadOnlyList<string> files, string passwordFile)
        {
            foreach (var file in files)
            {
                Read(_log.Read(file, naming: null));
            }

            if (_configuration.AclFile is { } acl)
            {
                TranslateAcl(_log.Read(MosquittoConfiguration.PathOf(acl), acl));
            }

            if (_configuration.PasswordFile is { } passwords)
            {
                TranslatePasswords(_log.Read(MosquittoConfiguration.PathOf(passwords), passwords));
            }

            _configuration.Check();
            CheckWhoMayCome(files);
            var text = Write(files, passwordFile);
            var isWhole = _log.Refusals.Count == 0;
            return new MosquittoTranslation
            {
                Configuration = isWhole ? text : null,
                Users = isWhole ? _users?.ToString() : null,
                Refusals = [.. _log.Refusals.Distinct()],
                Notes = [.. _log.Notes.Distinct()],
            };
        }

        /// <summary>Finds out by its lines what a file is.</summary>
        private void Read(IReadOnlyList<MosquittoLine> lines)
        {
            if (lines.Count > 0 && lines.All(IsPassword))
            {
                TranslatePasswords(lines);
            }
            else if (lines.Any(line => line.Name is "topic" or "pattern") && lines.All(line => line.Name is "user" or "topic" or "pattern"))
            {
                TranslateAcl(lines);
            }
            else
            {
                _configuration.Read(lines);
            }
        }

        /// <summary>A name, a colon and a hash.</summary>
        private static bool IsPassword(MosquittoLine line) =>
            line.Text.IndexOf(":$", StringComparison.Ordinal) is var colon and > 0
            && !line.Text[..colon].Contains(' ', StringComparison.Ordinal);

        private void TranslateAcl(IReadOnlyList<MosquittoLine> lines)
        {
            _hasAcl = true;
            _acl.Translate(lines);
        }

        private void TranslatePasswords(IReadOnlyList<MosquittoLine> lines) =>
            _users = MosquittoPasswords.Translate(lines, _users ?? CredentialList.Empty, _log);

        private void CheckWhoMayCome(IReadOnlyList<string> files)
        {
            if (_users is not null || _configuration.Listeners.Any(listener => listener.HasIdentity))
            {
                return;
            }

            foreach (var user in _acl.Users)
            {
                _log.Refuse(user, "Nobody proves to be that user: there is no password_file. mosquitto takes the name on trust.");
            }

            if (!_configuration.IsOpen)
            {
                var place = _configuration.AllowAnonymous ?? _configuration.Listeners[0].Line;
                _log.Refusals.Add(
                    $"{place?.Place ?? files[0]}: error: Nobody can connect: "
                        + "there is no password_file, and allow_anonymous is not true.");
            }
        }

        private string Write(IReadOnlyList<string> files, string passwordFile)
        {
            var text = new ConfigurationText();
            var listeners = new List<(string?, string)>();
            foreach (var listener in _configuration.Listeners)
            {
                if (listener.Translate(_log) is { } members)
                {
                    listeners.Add((listener.Line?.Place, ConfigurationText.Object(members)));
                }
            }

            text.Add("listeners", listeners, isList: true);
            text.Add(_configuration.AllowAnonymous?.Place, "allowAnonymous", _configuration.IsOpen ? "true" : "false");
            if (_users is not null)
            {
                text.Add(
                    _configuration.PasswordFile?.Place, "users", ConfigurationText.Object([("passwordFile", passwordFile)]));
            }

            text.Add("rules", [.. _acl.Rules.Select(one => ((string?)one.Line.Place, ConfigurationText.Rule(one.Rule)))], isList: true);
            text.Add(
                "limits",
                [
                    .. _configuration.Limits.Select(limit =>
                        ((string?)limit.Value.Line.Place, ConfigurationText.Member(limit.Key, limit.Value.Value))),
                ],
                isList: false);
            return text.ToText([$"From {string.Join(", ", files)}.", .. _hasAcl ? AboutRules : []]);
        }
    }
}
